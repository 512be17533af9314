# dnslet inside the image of an application, where no second container can stand beside it.
# docker build -f docker/alpine-inside.Dockerfile -t app docker
#
# It makes itself the container's nameserver in resolv.conf, in front of the engine's, and becomes
# nobody; the application starts as soon as it answers, as process 1.
ARG DNSLET=dnslet
ARG BASE=alpine:3.22
FROM ${DNSLET} AS dnslet

FROM ${BASE}
COPY --from=dnslet /dnslet /usr/local/sbin/dnslet
ENV DNSMASQ_DEFAULT=true DNSMASQ_RCACHE=10000 DNSMASQ_USER=65534:65534
ENTRYPOINT ["/bin/sh", "-c", "/usr/local/sbin/dnslet & until /usr/local/sbin/dnslet --healthcheck 2>/dev/null; do kill -0 $! || exit 1; sleep 0.05; done; exec \"$@\"", "sh"]
CMD ["sh"]
