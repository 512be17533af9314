# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
# Made from the table of options: make completion

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
    for server in system resolved dhcp:(path basename /sys/class/net/*)
        echo -- $lead$server
    end
end

complete -c dnslet -f
complete -c dnslet -l listen -s l -x -d 'Where to serve; tls://, https://, quic:// encrypt'
complete -c dnslet -l tls-cert -r -F -d 'The certificate of listeners that encrypt'
complete -c dnslet -l tls-key -r -F -d 'Its private key'
complete -c dnslet -l allow -x -d 'Serve these clients only; private: those of no public network'
complete -c dnslet -l default-resolver -s d -d 'Become the host\'s nameserver'
complete -c dnslet -l resolvconf-options -x -a 'keep auto' -d 'auto: the host\'s programs leave the search to dnslet'
complete -c dnslet -l systemd -d 'Use the sockets that systemd passes, not --listen'
complete -c dnslet -l user -x -a '(__fish_complete_users)' -d 'Become this user once the sockets are bound'
complete -c dnslet -l nameservers -s n -x -a '(__dnslet_servers)' -d 'Servers to forward to, best first'
complete -c dnslet -l client-subnet -x -a 'client' -d 'Network to tell servers (ECS), or each client\'s own'
complete -c dnslet -l server -x -a '(__dnslet_servers)' -d 'A set of servers for --stubzones and --rule; repeatable'
complete -c dnslet -l stubzones -s z -x -a '(__dnslet_servers)' -d 'Other servers for these domains; repeatable'
complete -c dnslet -l bootstrap -x -d 'Servers that resolve the names of servers'
complete -c dnslet -l tls-ca -r -F -d 'Roots for servers over TLS, HTTPS'
complete -c dnslet -l tls-pin -x -d 'The key that the server with this certificate has; repeatable'
complete -c dnslet -l resolv-conf -r -F -d 'The file to read and, with -d, to edit'
complete -c dnslet -l upstream-timeout -x -d 'Give up on a client\'s question after this'
complete -c dnslet -l upstream-retry -x -d 'Ask the next server too after this much silence'
complete -c dnslet -l force-tcp -d 'Ask over TCP only'
complete -c dnslet -l no-rec -d 'Forward nothing: refuse what is not here'
complete -c dnslet -l hostsfile -s f -r -F -d 'Hosts file or directory of them; repeatable'
complete -c dnslet -l hostsfile-poll -s p -x -d 'How often to look for changes; 0: on SIGHUP only'
complete -c dnslet -l address -x -d 'Static record, of *.NAME too; repeatable'
complete -c dnslet -l record -x -a '(__dnslet_files)' -d 'Static record, NAME [TTL] TYPE RDATA; @FILE: of them'
complete -c dnslet -l block -x -d 'NXDOMAIN for these domains and names below; repeatable'
complete -c dnslet -l blocklist -x -a '(__dnslet_files)' -d 'NXDOMAIN for the names of these lists; repeatable'
complete -c dnslet -l allowlist -x -a '(__dnslet_files)' -d 'Lists of names that --blocklist spares; repeatable'
complete -c dnslet -l list -x -a '(__dnslet_files)' -d 'Lists of names and networks for rules; repeatable'
complete -c dnslet -l filter -x -a 'a aaaa' -d 'Answer this address family with NODATA'
complete -c dnslet -l rebind-guard -d 'NODATA for inner addresses from the default servers'
complete -c dnslet -l rebind-ok -x -d 'Domains that may have inner addresses; repeatable'
complete -c dnslet -l fake-ip -x -d 'Addresses for the rules\' action fake, a network a family'
complete -c dnslet -l rule -x -a '(__dnslet_files)' -d 'What happens to which question, or a file of that; repeatable'
complete -c dnslet -l reverse-mapping -d 'Name addresses by what led to them, if nobody else does'
complete -c dnslet -l round-robin -d 'Rotate addresses from answer to answer'
complete -c dnslet -l no-family-fix -d 'Let NXDOMAIN for one family of a name be'
complete -c dnslet -l no-flatten -d 'Keep aliases that take addresses\' room'
complete -c dnslet -l enable-search -d 'Try names with the domains of the search list'
complete -c dnslet -l search-domains -s s -x -d 'The search list, in order'
complete -c dnslet -l ndots -x -d 'Dots of a name that is tried as it stands first'
complete -c dnslet -l fwd-ndots -x -d 'Dots that a name needs to be forwarded as it stands'
complete -c dnslet -l rcache -s r -x -d 'How many answers to keep; 0: no cache'
complete -c dnslet -l rcache-ttl -x -d 'Longest time to keep an answer'
complete -c dnslet -l rcache-neg-ttl -x -d 'Longest time to keep a negative answer'
complete -c dnslet -l rcache-stale -x -d 'Use answers for so long past their end if upstream fails'
complete -c dnslet -l rcache-stale-first -d 'Use such answers at once, and ask upstream behind'
complete -c dnslet -l no-prefetch -d 'Don\'t refresh answers in use before they end'
complete -c dnslet -l shared-cache -x -d 'A Redis to ask before upstream: redis[s]://HOST or unix:PATH'
complete -c dnslet -l cache-file -r -F -d 'A file in which the cache survives a restart'
complete -c dnslet -l max-inflight -x -d 'Upstream questions open at once'
complete -c dnslet -l max-tcp-clients -x -d 'Client TCP connections open at once'
complete -c dnslet -l tcp-idle-timeout -x -d 'Close idle client connections after this'
complete -c dnslet -l threads -x -d 'Workers; 0: one per processor'
complete -c dnslet -l multithreading -d 'The same as --threads 0'
complete -c dnslet -l verbose -d 'A log line for every question'
complete -c dnslet -l log-level -x -a 'error warning info debug' -d 'How much to log: error|warning|info|debug (every question)'
complete -c dnslet -l syslog -d 'Log to syslog, not to standard output'
complete -c dnslet -l log-format -x -a 'text json' -d 'How the lines of the log are written'
complete -c dnslet -l metrics -x -d 'Serve counters and health over HTTP'
complete -c dnslet -l metrics-host -x -d 'Names by which they may be called'
complete -c dnslet -l control -r -F -d 'A socket for --dump-cache, --flush, --lists'
complete -c dnslet -l healthcheck -d 'Ask the running dnslet; exit 0 or 1'
complete -c dnslet -l explain -x -d 'Ask, and tell how the answer is found'
complete -c dnslet -l dump-cache -d 'Print the running dnslet\'s cache'
complete -c dnslet -l flush -d 'Empty it, or take out a NAME or a *.NAME'
complete -c dnslet -l lists -d 'Print what it has read from which files'
complete -c dnslet -l print-config -d 'Print every option and its origin'
complete -c dnslet -l version -s v -d 'Print the version and those of libraries'
complete -c dnslet -l help -s h -d 'Print the options used most'
complete -c dnslet -l help-all -d 'Print all options'
