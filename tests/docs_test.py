# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""One list of options: the program, its --help and its man page agree; examples for containers hold."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOR_CONTAINERS = [path for path in (ROOT / "docker").rglob("*") if path.is_file()]
DNSLET = os.environ.get("DNSLET", ROOT / "build" / "dnslet")

# How --print-config shows what --help and the man page say in words.
UNSET = {"none", "in the same file", "SSL_CERT_FILE or the system's", "everyone", "from resolv.conf", "resolv.conf or 1",
         "use-vc in resolv.conf"}
WITHOUT_RESOLV_CONF = {"ndots": "1", "force-tcp": "false"}

# A good value for each placeholder of --help; a flag without one is a switch.
SAMPLES = {
    "URL": "redis://redis.example:6380/2",
    "IP[:PORT],...": "192.0.2.7:5398",
    "SERVER,...": "192.0.2.7:5398",
    "NETWORK,...": "192.0.2.0/24",
    "PATH": "/dev/null",
    "PATH,...": "/dev/null",
    "NAME=SERVER,...": "local=192.0.2.7:5398",
    "RULE|@PATH": "zone:ads.test -> block",
    "MS": "7",
    "SECONDS": "7",
    "N": "7",
    "NAME=IP,...": "nas.test=192.0.2.8",
    "RECORD": "nas.test 60 TXT x ; b.test MX 1 m.test",
    "NAME=PATH,...": "ads=/dev/null",
    "DOMAIN,...": "ads.test",
    "DOMAIN/SERVER,...": "a.test,b.test/192.0.2.9,c.test/192.0.2.10",
    "a|aaaa": "a",
    "keep|auto": "auto",
    "NETWORK|client": "client/24/56",
    "NAME=BASE64": "dns.test=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "text|json": "json",
    "LEVEL": "warning",
    "IP:PORT": "192.0.2.7:9153",
    "HOST,...": "dnslet",
    "NAME|UID[:GID]": "65534:65534",
    "": "true",
}


def output(*flags, **variables):
    # resolv.conf is given by the variable so that the host's own has no say.
    variables = {"DNSMASQ_RESOLV_CONF": "/dev/null", "DNSMASQ_SERVERS": "192.0.2.1", **variables}
    result = subprocess.run([DNSLET, *flags], env=variables, capture_output=True, text=True,
                            timeout=10, check=False)
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def help_options():
    """flag -> (letter, placeholder, variable, default in brackets), in order"""
    line = re.compile(r"^  (?:-(\w), |    )--([\w-]+)(?: (\S+))? +"
                      r"(?:(DNSMASQ_\w+)\n        \S.*?(?:\[(.*)\])?|[A-Z].*)$", re.M)
    return {flag: (letter, *rest) for letter, flag, *rest in line.findall(output("--help-all"))}


def help_variables():
    """variable -> default in brackets, of the options that have no flag, in order"""
    line = re.compile(r"^ {12,}([A-Z_]+)=[A-Z:]+\n        \S.*?(?:\[(.*)\])?$", re.M)
    return dict(line.findall(output("--help-all")))


def man_options():
    """flag -> (letter, variable, default), in order; the actions have neither of the last two"""
    text = (ROOT / "man" / "dnslet.8").read_text()
    line = re.compile(r"^\.It Fl (?:(\w) , Fl )?-([\w-]+).*\n(?:\.Pq Ev (\w+) , No default (.+))?", re.M)
    found = line.findall(text)
    return {flag: (letter, variable, default) for letter, flag, variable, default in found}


def man_variables():
    """variable -> default, of the options that have no flag, in order"""
    text = (ROOT / "man" / "dnslet.8").read_text()
    return dict(re.findall(r"^\.It Ev (\w+) .*\n\.Pq No default (.+)", text, re.M))


def print_config(*flags, **variables):
    """flag -> (value, origin), in order"""
    text = output("--print-config", *flags, **variables)
    found = re.findall(r"^([\w-]+) = (.*)  \((.*)\)$", text, re.M)
    return {flag: (value, origin) for flag, value, origin in found}


def test_help_and_the_man_page_list_the_same_flags_in_the_same_order():
    in_help = [(flag, letter) for flag, (letter, *_) in help_options().items()]
    in_man = [(flag, letter) for flag, (letter, _, _) in man_options().items()]
    assert in_help == in_man


def test_print_config_lists_the_flags_that_have_a_variable():
    in_man = [flag for flag, (_, name, _) in man_options().items() if name] + list(man_variables())
    assert list(print_config()) == in_man


def test_an_option_without_a_flag_is_its_variable():
    for variable, sample in (("GRAPHITE_SERVER", "192.0.2.7:2003"), ("GRAPHITE_PREFIX", "a.b"),
                             ("STATHAT_USER", "somebody@example.com")):
        assert print_config(**{variable: sample})[variable] == (sample, variable)
        default = man_variables()[variable]
        assert (help_variables()[variable] or "none") == default
        assert print_config()[variable] == ("-" if default in UNSET else default, "default")


def test_help_and_the_man_page_list_the_same_variables_in_the_same_order():
    in_help = {flag: variable for flag, (_, _, variable, _) in help_options().items()}
    assert in_help == {flag: variable for flag, (_, variable, _) in man_options().items()}
    assert list(help_variables()) == list(man_variables())


@pytest.mark.parametrize("flag,variable", [(f, v) for f, (_, v, _) in man_options().items() if v])
def test_the_variable_of_the_man_page_sets_the_option(flag, variable):
    sample = SAMPLES[help_options()[flag][1]]
    if flag.startswith(("tls-", "shared-")) and output("--version").startswith("dnslet-min"):
        pytest.skip("the other variant has it")
    assert print_config(**{variable: sample})[flag] == (sample, variable)


@pytest.mark.parametrize("flag", [flag for flag, (_, v, _) in man_options().items() if v])
def test_the_defaults_agree(flag):
    documented = man_options()[flag][2]
    _, placeholder, _, in_help = help_options()[flag]
    # --help leaves out what goes without saying.
    assert (in_help or ("none" if placeholder else "false")) == documented

    value, origin = print_config()[flag]
    if origin == "default":
        assert value == WITHOUT_RESOLV_CONF.get(flag, "-" if documented in UNSET else documented)


def test_the_man_page_names_every_old_spelling_and_the_program_takes_it():
    text = (ROOT / "man" / "dnslet.8").read_text()
    for flag in ("search", "-append-search-domains", "a"):
        assert f"Fl {flag}" in text
        assert print_config(f"-{flag}")["enable-search"] == ("true", "--enable-search")
    for old, option, sample in (("DNSMASQ_APPEND", "enable-search", "true"),
                                ("DNSMASQ_SEARCH", "search-domains", "a.test")):
        assert f"Ev {old}\n" in text
        assert print_config(**{old: sample})[option] == (sample, old)


def test_the_examples_for_containers_name_only_what_exists():
    known = {variable for _, variable, _ in man_options().values()}
    for path in FOR_CONTAINERS:
        text = path.read_text()
        assert set(re.findall(r"DNSMASQ_[A-Z_]*[A-Z]", text)) <= known, path
        for source in re.findall(r"^COPY (?!--from)(\S+) /\S+$", text, re.M):
            made = (".", "build/static/${TARGETARCH:-.}/dnslet", "build/static/full/${TARGETARCH:-.}/dnslet",
                    "build/static/full/ca-certificates.crt")
            assert source in made or (ROOT / source).exists(), (path, source)


def test_the_two_dockerfiles_make_the_same_image():
    ends = []
    for name in ("Dockerfile", "prebuilt.Dockerfile"):
        text = (ROOT / "docker" / name).read_text()
        lines = text[text.index("FROM scratch AS base\n"):].splitlines()
        ends.append([line for line in lines if not re.match(r"ARG TARGETARCH|COPY .*(dnslet|certificates.crt)", line)])
    assert ends[0] == ends[1]
    assert "ENV DNSMASQ_LISTEN=0.0.0.0 DNSMASQ_RCACHE=10000 DNSMASQ_ALLOW=private" in ends[0]


def test_no_example_takes_a_name_or_a_port_of_multicast_dns():
    """.local names and port 5353 are (RFC 6762): dig warns of the one, avahi holds the other"""
    paths = [*ROOT.glob("*.md"), *ROOT.glob("doc/*.md"), ROOT / "Makefile", ROOT / "man" / "dnslet.8",
             *FOR_CONTAINERS, *(ROOT / "init").iterdir()]
    paths.remove(ROOT / "CHANGELOG.md")
    texts = [(path, path.read_text()) for path in paths] + [("--help-all", output("--help-all"))]
    for path, text in texts:
        found = re.findall(r"[\w*-]+\.local\b|127\.0\.0\.1:5353|-p 5353", text)
        assert [word for word in found if word != "cluster.local"] == [], path


def test_make_run_takes_a_port():
    def commands(*words):
        return subprocess.run(["make", "-n", "-o", "deps", "-C", ROOT, "run", *words], env={"PATH": os.environ["PATH"]},
                              capture_output=True, text=True, timeout=60, check=True).stdout
    assert "--listen 127.0.0.1:5300 " in commands()
    assert "--listen 127.0.0.1:5311 " in commands("PORT=5311")


def test_the_sidecar_is_native_and_asked_whether_it_has_started():
    yaml = pytest.importorskip("yaml")
    pod = yaml.safe_load((ROOT / "docker" / "kubernetes-sidecar.yaml").read_text())
    [sidecar] = pod["spec"]["initContainers"]
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["startupProbe"]["exec"]["command"] == ["/dnslet", "--healthcheck"]
    variables = {item["name"]: item["value"] for item in sidecar["env"]}
    config = {flag: value for flag, (value, _) in print_config(**variables).items()}
    assert config["listen"] == "127.0.0.1" and config["enable-search"] == "true"
    assert pod["spec"]["dnsPolicy"] == "None"
    assert pod["spec"]["dnsConfig"] == {"nameservers": ["127.0.0.1"]}


def test_the_replicas_share_a_cache_that_strangers_can_not_reach():
    yaml = pytest.importorskip("yaml")
    parts = list(yaml.safe_load_all((ROOT / "docker" / "kubernetes-shared-cache.yaml").read_text()))
    found = {(part["kind"], part["metadata"]["name"]): part["spec"] for part in parts if "spec" in part}
    dnslet = found["Deployment", "dnslet"]
    assert dnslet["replicas"] == 3
    variables = {item["name"]: item["value"] for item in dnslet["template"]["spec"]["containers"][0]["env"]
                 if item["name"].startswith("DNSMASQ_")}
    url = variables.pop("DNSMASQ_SHARED_CACHE")
    assert url == f"redis://:$(PASSWORD)@{found['Service', 'dns-cache']['clusterIP']}"
    if "hiredis" in output("--version"):
        variables["DNSMASQ_SHARED_CACHE"] = url.replace("$(PASSWORD)", "change-me")
    config = {flag: value for flag, (value, _) in print_config(**variables).items()}
    assert config["rcache"] == "10000" and config["metrics"].endswith(":9153")
    [rule] = found["NetworkPolicy", "dns-cache"]["ingress"]
    assert rule["from"] == [{"podSelector": dnslet["selector"]}]


def test_the_application_of_the_compose_file_waits_for_dnslet():
    yaml = pytest.importorskip("yaml")
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    # Its health is looked at after half a minute for the first time; it answers at once.
    assert services["app"]["depends_on"]["dnslet"]["condition"] == "service_started"
    assert services["app"]["dns"] == services["dnslet"]["networks"]["names"]["ipv4_address"]
    assert services["dnslet"]["read_only"] is True and services["dnslet"]["cap_drop"] == ["ALL"]


def test_the_compose_file_mounts_folders_and_no_single_file():
    """a file that is replaced by renaming would stay the old one in the container for ever"""
    yaml = pytest.importorskip("yaml")
    dnslet = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]["dnslet"]
    for volume in dnslet["volumes"]:
        source, target, _ = volume.split(":")
        assert (ROOT / "docker" / source).is_dir(), volume
        assert target in dnslet["command"]
    config = print_config(*dnslet["command"], DNSMASQ_RCACHE="10000", **dnslet["environment"])
    assert int(config["hostsfile-poll"][0]) > 0
    # The engine's own server gives names of containers a TTL of 600 seconds.
    assert config["rcache-ttl"] == ("5", "DNSMASQ_RCACHE_TTL")
    for path in (ROOT / "docker").glob("kubernetes*.yaml"):
        assert "subPath" not in path.read_text(), path


def test_the_cache_of_a_node_begins_as_root_and_needs_no_more_than_that():
    yaml = pytest.importorskip("yaml")
    pod = yaml.safe_load((ROOT / "docker" / "kubernetes-daemonset.yaml").read_text())["spec"]["template"]["spec"]
    [container], [address] = pod["containers"], pod["initContainers"]
    variables = {item["name"]: item["value"] for item in container["env"] if item["name"].startswith("DNSMASQ_")}
    assert pod["hostNetwork"] and pod["dnsPolicy"] == "Default"
    assert address["command"][3] == variables["DNSMASQ_LISTEN"] + "/32"
    # Others can't have port 53 in the node's network.
    assert container["securityContext"]["runAsUser"] == 0 and variables["DNSMASQ_USER"] == "65534"
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "SETUID", "SETGID"]}
    variables["DNSMASQ_METRICS"] = variables["DNSMASQ_METRICS"].replace("$(NODE_IP)", "192.0.2.1")
    config = {flag: value for flag, (value, _) in print_config(**variables).items()}
    assert config["rcache"] == "10000" and config["metrics"].endswith(f":{container['readinessProbe']['httpGet']['port']}")


def test_the_examples_for_kubernetes_and_compose_are_yaml():
    yaml = pytest.importorskip("yaml")
    for path in (ROOT / "docker").glob("*.yaml"):
        assert all(yaml.safe_load_all(path.read_text())), path


def hcl(text):
    """What Nomad reads: blocks as dictionaries below their names, with the last label alone"""
    words = re.findall(r'"[^"]*"|[\w.]+|[{}=\[\],]', re.sub(r"#.*", "", text))

    def value():
        word = words.pop(0)
        if word != "[":
            return word.strip('"')
        found = []
        while (item := words.pop(0)) != "]":
            found += [item.strip('"')] if item != "," else []
        return found

    def block():
        found = {}
        while words and words[0] != "}":
            name = words.pop(0)
            while words[0] not in "{=":
                name = words.pop(0).strip('"')
            if words.pop(0) == "=":
                found[name] = value()
            else:
                assert name not in found, name
                found[name] = block()
                assert words.pop(0) == "}", name
        return found

    result = block()
    assert not words, "a brace too many"
    return result


def test_the_job_of_nomad_starts_dnslet_before_the_application():
    [group] = hcl((ROOT / "docker" / "nomad.hcl").read_text())["shop"].values()
    assert group["network"] == {"mode": "bridge", "dns": {"servers": ["127.0.0.1"]}}
    dnslet = group["dnslet"]
    assert dnslet["lifecycle"] == {"hook": "prestart", "sidecar": "true"} and "lifecycle" not in group["app"]
    assert dnslet["user"] == "0" and dnslet["env"]["DNSMASQ_USER"] == "65534"
    assert dnslet["config"]["cap_add"] == ["net_bind_service", "setuid", "setgid"]
    assert print_config(**dnslet["env"])["listen"] == ("127.0.0.1", "DNSMASQ_LISTEN")


def test_the_man_page_is_sound():
    result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", ROOT / "man" / "dnslet.8"],
                            capture_output=True, text=True, timeout=10, check=False)
    assert (result.returncode, result.stdout) == (0, "")
