# An application and its dnslet, which share one network: nomad job run docker/nomad.hcl
# Mode bridge needs the CNI plugins on the client. Put in your nameservers.
job "shop" {
  group "shop" {
    network {
      mode = "bridge"
      dns {
        servers = ["127.0.0.1"]
      }
    }

    task "dnslet" {
      driver = "docker"
      # Before the application, and for as long as it runs.
      lifecycle {
        hook    = "prestart"
        sidecar = true
      }
      # The network is not this container's own, so port 53 is for root alone: it becomes nobody at once.
      user = "0"
      config {
        image           = "dnslet"
        readonly_rootfs = true
        cap_drop        = ["all"]
        cap_add         = ["net_bind_service", "setuid", "setgid"]
      }
      env {
        DNSMASQ_USER    = "65534"
        DNSMASQ_LISTEN  = "127.0.0.1"
        DNSMASQ_SERVERS = "10.0.0.2,10.0.0.3"
        DNSMASQ_RCACHE  = "10000"
      }
      resources {
        cpu    = 50
        memory = 32
      }
    }

    task "app" {
      driver = "docker"
      config {
        image   = "alpine:3.22"
        command = "sleep"
        args    = ["infinity"]
      }
    }
  }
}
