# dnslet inside the image of an application, where no second container can stand beside it.
# docker build -f docker/alpine-inside.Dockerfile -t app docker
#
# It makes itself the container's nameserver in resolv.conf, in front of the engine's, and becomes
# nobody; the application starts, as process 1, as soon as dnslet answers and resolv.conf names it, which
# a slow disk may delay (5 seconds at most). Its log goes to standard error.
#
# Behind a USER line it runs as that user, who may not write resolv.conf: the engine has to name it,
# docker run --dns 127.0.0.1 -e DNSMASQ_SERVERS=1.1.1.1 app
ARG DNSLET=dnslet
ARG BASE=alpine:3.22
FROM ${DNSLET} AS dnslet

FROM ${BASE}
COPY --from=dnslet /dnslet /usr/local/sbin/dnslet
ENV DNSMASQ_DEFAULT=true DNSMASQ_RCACHE=10000 DNSMASQ_USER=65534:65534
ENTRYPOINT ["/bin/sh", "-c", "[ $(id -u) = 0 ] || unset DNSMASQ_USER DNSMASQ_DEFAULT; /usr/local/sbin/dnslet >&2 & until /usr/local/sbin/dnslet --healthcheck >/dev/null 2>&1; do kill -0 $! 2>/dev/null || exit 1; sleep 0.05; done; i=0; while [ \"$DNSMASQ_DEFAULT\" = true ] && [ -w /etc/resolv.conf ] && [ $i -lt 100 ] && ! grep -q '^# added by dnslet' /etc/resolv.conf; do i=$((i+1)); sleep 0.05; done; exec \"$@\"", "sh"]
CMD ["sh"]
