# The images of docker/Dockerfile with programs that `make static` made outside; nothing is compiled.
# docker build -f docker/prebuilt.Dockerfile -t dnslet .
#
# BuildKit takes the program of the platform that it builds for, build/static/full/amd64/dnslet for example;
# the classic builder, which knows of no platform, takes build/static/full/dnslet. The roots are those of the
# system where `make static` ran, with all that was added there: build/static/full/ca-certificates.crt.
FROM scratch AS base
ARG VERSION
LABEL org.opencontainers.image.title="dnslet" \
      org.opencontainers.image.description="A small caching DNS forwarder" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
COPY docker/passwd /etc/passwd
# 0.0.0.0: the port is published from the container's own network. private: a published port of a
# public address must not answer the whole Internet; an empty variable opens it to everyone.
ENV DNSMASQ_LISTEN=0.0.0.0 DNSMASQ_RCACHE=10000 DNSMASQ_ALLOW=private
EXPOSE 53/udp 53/tcp
# Port 53 needs no right in a container's own network; see doc/guide.md for the host's.
USER 65534:65534
HEALTHCHECK --interval=30s --timeout=2s --start-period=5s CMD ["/dnslet", "--healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/dnslet"]

FROM base AS min
LABEL org.opencontainers.image.title="dnslet-min"
ARG TARGETARCH
COPY build/static/${TARGETARCH:-.}/dnslet /dnslet

# With the roots by which servers over TLS and HTTPS are judged.
FROM base AS full
ARG TARGETARCH
COPY build/static/full/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY build/static/full/${TARGETARCH:-.}/dnslet /dnslet
