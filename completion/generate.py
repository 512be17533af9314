# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Writes the completions for bash, zsh and fish from the table of options, as --help-all prints it.

    completion/generate.py PROGRAM FOLDER

What a value may be follows from what --help-all calls it: words between bars, there or in its explanation, are themselves, PATH is a file or a
folder, `,...` a list, SERVER may be an interface. Nothing here knows an option by its name.
"""

import pathlib
import re
import subprocess
import sys

OPTION = re.compile(r"^  (?:-(\w), |    )--([\w-]+)(?: (\S.*?))? +(?:DNSMASQ_\w+\n {8}(\S.*)|(?<=  )([A-Z].*))$", re.M)
SERVERS = ("system", "resolved", "dhcp:")


class Option:
    def __init__(self, letter, flag, placeholder, help_behind_variable, help_beside):
        self.letter, self.flag, self.placeholder = letter, flag, placeholder
        self.help = re.sub(r" \[.*\]$", "", help_behind_variable or help_beside)
        self.is_optional = placeholder.startswith("[")
        self.is_list = placeholder.endswith(",...")
        choice = placeholder if "|" in placeholder else " ".join(re.findall(r"[a-z]+(?:\|[a-z]+)+", self.help))
        self.words = [word for word in choice.split("|") if choice and re.fullmatch(r"[a-z]+", word)]
        self.kind = next((kind for kind in ("PATH", "SERVER", "UID") if kind in placeholder), "")
        self.lead = {"RULE|@PATH": "@", "RECORD": "@"}.get(placeholder, "")  # of a file
        self.is_named = placeholder.startswith("NAME=")
        if self.lead:
            self.kind = "PATH"

    @property
    def flags(self):
        return ([f"-{self.letter}"] if self.letter else []) + [f"--{self.flag}"]


def read_options(program):
    text = subprocess.run([program, "--help-all"], capture_output=True, text=True, check=True).stdout
    options = [Option(*found) for found in OPTION.findall(text)]
    assert len(options) == len(re.findall(r"^ {2,6}(?:-\w, )?--", text, re.M)), "a line of --help-all was not understood"
    return options


def values(options):
    """(kind, is_list, is_named, lead, words) -> the options whose values are of that form"""
    forms = {}
    for option in options:
        if option.placeholder and (option.kind or option.words):
            form = (option.kind, option.is_list, option.is_named, option.lead, tuple(option.words))
            forms.setdefault(form, []).append(option)
    return forms


HEAD = """# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
# Made from the table of options: make completion
"""


def bash(options):
    what = {"PATH": "-f", "SERVER": '-W "$(_dnslet_servers)"', "UID": "-u"}
    arms = []
    for (kind, is_list, is_named, lead, words), members in values(options).items():
        pattern = "|".join(flag for option in members for flag in option.flags)
        marks = "=" * is_named + "," * is_list + "/" * (kind == "SERVER") + lead
        first = f"marks='{marks}'; " if marks else ""
        first += f"[[ $word == {lead}* ]] && " if lead else ""
        arms.append(f"  {pattern})\n    {first}what=({what.get(kind) or '-W ' + repr(' '.join(words))}) ;;")
    completed = [option for members in values(options).values() for option in members]
    free = "|".join(flag for option in options if option.placeholder and option not in completed and not option.is_optional
                    for flag in option.flags)
    return HEAD + f"""
_dnslet_servers() {{
  printf '%s ' {" ".join(SERVERS[:-1])}
  (cd /sys/class/net 2>/dev/null && printf '{SERVERS[-1]}%s ' *)
}}

# $word: what is to be completed; $lead: what stands before it in the same argument.
_dnslet() {{
  local line=${{COMP_LINE:0:COMP_POINT}} word flag lead='' marks='' typed
  local -a what=()
  typed=${{line##*[[:blank:]]}}
  word=$typed
  flag=${{line%"$typed"}}
  flag=${{flag%"${{flag##*[![:blank:]]}}"}}
  flag=${{flag##*[[:blank:]]}}
  if [[ $typed == -*=* ]]; then
    flag=${{typed%%=*}} lead=${{typed%%=*}}= word=${{typed#*=}}
  fi
  case $flag in
{chr(10).join(arms)}
  {free}) ;;
  *)
    what=(-W '{" ".join(flag for option in options for flag in option.flags)}')
    [[ -n $lead ]] && what=(-W 'true false') ;;
  esac
  COMPREPLY=()
  ((${{#what[@]}})) || return
  if [[ -n $marks ]]; then
    lead+=${{word%"${{word##*["$marks"]}}"}}
    word=${{word##*["$marks"]}}
  fi
  [[ ${{what[0]}} == -f ]] && compopt -o filenames 2>/dev/null
  [[ -n $lead && -n $marks ]] && compopt -o nospace 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -P "$lead" "${{what[@]}}" -- "$word")
  # What is before a mark that breaks words is done, as bash has it.
  [[ $COMP_WORDBREAKS == *[=:]* ]] && COMPREPLY=("${{COMPREPLY[@]#"${{typed%"${{typed##*[=:]}}"}}"}}")
}}
complete -F _dnslet dnslet
"""


def zsh(options):
    def quoted(text):
        return text.replace("'", "'\\''")

    lines = []
    for option in options:
        text = re.sub(r"([\[\]:])", r"\\\1", option.help)
        spec = f"{quoted(f'[{text}]')}"
        if option.placeholder:
            what = re.sub(r"([\[\]:])", r"\\\1", option.placeholder)
            action = f"({' '.join(option.words)})" if option.words else " "
            if option.kind:
                action = {"PATH": "_dnslet_files", "SERVER": "_dnslet_servers", "UID": "_users"}[option.kind]
            spec += f"{'::' if option.is_optional else ':'}{quoted(what)}:{action}"
        mark = "=" if option.placeholder and not option.is_optional else "=-" if option.is_optional else ""
        lines += [f"  '*--{option.flag}{mark}{spec}'"]
        if option.letter:
            lines += [f"  '*-{option.letter}{'+' if mark else ''}{spec}'"]
    return "#compdef dnslet\n" + HEAD + f"""
# Behind a name, a comma, or the @ of a file in place of a value.
_dnslet_files() {{
  compset -P '*[,=]'
  compset -P '@'
  _files
}}

_dnslet_servers() {{
  local -a servers
  compset -P '*[,=/]'
  servers=({" ".join(SERVERS[:-1])} {SERVERS[-1]}${{^$(print -r -- /sys/class/net/*(N:t))}})
  compadd -a servers
}}

_arguments -s -S : \\
""" + " \\\n".join(lines) + "\n"


def fish(options):
    lines = []
    for option in options:
        text = option.help.replace("\\", "\\\\").replace("'", "\\'")
        words = ["complete -c dnslet", f"-l {option.flag}"]
        if option.letter:
            words.append(f"-s {option.letter}")
        if option.words:
            words.append(f"-x -a '{' '.join(option.words)}'")
        elif option.kind == "PATH" and (option.is_named or option.lead or option.is_list):
            words.append("-x -a '(__dnslet_files)'")
        elif option.kind == "PATH":
            words.append("-r -F")
        elif option.kind == "SERVER":
            words.append("-x -a '(__dnslet_servers)'")
        elif option.kind == "UID":
            words.append("-x -a '(__fish_complete_users)'")
        elif option.placeholder and not option.is_optional:
            words.append("-x")
        lines.append(" ".join([*words, f"-d '{text}'"]))
    return HEAD + f"""
# What is up to the last comma, equals sign or @ stays as it is.
function __dnslet_files
    set -l lead (string match -r -- '^(?:--[a-z-]+=)?((?:.*[,=@])?)' (commandline -ct))[2]
    set -l typed (string replace -r -- '^.*[,=@]' '' (commandline -ct))
    for file in $typed*
        test -d $file; and set file $file/
        echo -- $lead$file
    end
end

function __dnslet_servers
    set -l lead (string match -r -- '^(?:--[a-z-]+=)?((?:.*[,=/])?)' (commandline -ct))[2]
    for server in {" ".join(SERVERS[:-1])} {SERVERS[-1]}(path basename /sys/class/net/*)
        echo -- $lead$server
    end
end

complete -c dnslet -f
{chr(10).join(lines)}
"""


def main():
    program, folder = sys.argv[1:]
    options = read_options(program)
    for name, make in (("dnslet.bash", bash), ("_dnslet", zsh), ("dnslet.fish", fish)):
        (pathlib.Path(folder) / name).write_text(make(options), encoding="utf-8")


if __name__ == "__main__":
    main()
