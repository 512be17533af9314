# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
# Made from the table of options: make completion

_dnslet_servers() {
  printf '%s ' system resolved
  (cd /sys/class/net 2>/dev/null && printf 'dhcp:%s ' *)
}

# $word: what is to be completed; $lead: what stands before it in the same argument.
_dnslet() {
  local line=${COMP_LINE:0:COMP_POINT} word flag lead='' marks='' typed
  local -a what=()
  typed=${line##*[[:blank:]]}
  word=$typed
  flag=${line%"$typed"}
  flag=${flag%"${flag##*[![:blank:]]}"}
  flag=${flag##*[[:blank:]]}
  if [[ $typed == -*=* ]]; then
    flag=${typed%%=*} lead=${typed%%=*}= word=${typed#*=}
  fi
  case $flag in
  --tls-cert|--tls-key|--tls-ca|--resolv-conf|-f|--hostsfile|--cache-file|--control)
    what=(-f) ;;
  --resolvconf-options)
    what=(-W 'keep auto') ;;
  --user)
    what=(-u) ;;
  -n|--nameservers|-z|--stubzones)
    marks=',/'; what=(-W "$(_dnslet_servers)") ;;
  --client-subnet)
    what=(-W 'client') ;;
  --server)
    marks='=,/'; what=(-W "$(_dnslet_servers)") ;;
  --record|--rule)
    marks='@'; [[ $word == @* ]] && what=(-f) ;;
  --blocklist|--allowlist)
    marks=','; what=(-f) ;;
  --list)
    marks='=,'; what=(-f) ;;
  --filter)
    what=(-W 'a aaaa') ;;
  --log-level)
    what=(-W 'error warning info debug') ;;
  --log-format)
    what=(-W 'text json') ;;
  -l|--listen|--allow|--bootstrap|--tls-pin|--upstream-timeout|--upstream-retry|-p|--hostsfile-poll|--address|--block|--rebind-ok|--fake-ip|-s|--search-domains|--ndots|--fwd-ndots|-r|--rcache|--rcache-ttl|--rcache-neg-ttl|--rcache-stale|--shared-cache|--max-inflight|--max-tcp-clients|--tcp-idle-timeout|--threads|--metrics|--metrics-host|--explain) ;;
  *)
    what=(-W '-l --listen --tls-cert --tls-key --allow -d --default-resolver --resolvconf-options --systemd --user -n --nameservers --client-subnet --server -z --stubzones --bootstrap --tls-ca --tls-pin --resolv-conf --upstream-timeout --upstream-retry --force-tcp --no-rec -f --hostsfile -p --hostsfile-poll --address --record --block --blocklist --allowlist --list --filter --rebind-guard --rebind-ok --fake-ip --rule --reverse-mapping --round-robin --no-family-fix --no-flatten --enable-search -s --search-domains --ndots --fwd-ndots -r --rcache --rcache-ttl --rcache-neg-ttl --rcache-stale --rcache-stale-first --no-prefetch --shared-cache --cache-file --max-inflight --max-tcp-clients --tcp-idle-timeout --threads --multithreading --verbose --log-level --syslog --log-format --metrics --metrics-host --control --healthcheck --explain --dump-cache --flush --lists --print-config -v --version -h --help --help-all')
    [[ -n $lead ]] && what=(-W 'true false') ;;
  esac
  COMPREPLY=()
  ((${#what[@]})) || return
  if [[ -n $marks ]]; then
    lead+=${word%"${word##*["$marks"]}"}
    word=${word##*["$marks"]}
  fi
  [[ ${what[0]} == -f ]] && compopt -o filenames 2>/dev/null
  [[ -n $lead && -n $marks ]] && compopt -o nospace 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -P "$lead" "${what[@]}" -- "$word")
  # What is before a mark that breaks words is done, as bash has it.
  [[ $COMP_WORDBREAKS == *[=:]* ]] && COMPREPLY=("${COMPREPLY[@]#"${typed%"${typed##*[=:]}"}"}")
}
complete -F _dnslet dnslet
