/* SPDX-License-Identifier: MIT
 * Copyright the dnslet authors
 *
 * getaddrinfo FAMILY,... NAME... asks the C library's resolver for each name and family (inet,
 * inet6, any) and prints NAME FAMILY ADDRESS... or NAME FAMILY !ERROR. Built against glibc and
 * against musl.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
  int family;
  const char *name;
} kFamilies[] = {{AF_INET, "inet"}, {AF_INET6, "inet6"}, {AF_UNSPEC, "any"}};

static void print_address(const struct sockaddr *address) {
  char text[INET6_ADDRSTRLEN];
  const void *bytes = address->sa_family == AF_INET
                          ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
                          : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;
  printf(" %s", inet_ntop(address->sa_family, bytes, text, sizeof text));
}

static int is_listed(const char *word, const char *list) {
  const size_t length = strlen(word);
  for (; list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL)
    if (strncmp(list, word, length) == 0 && strchr(",", list[length])) return 1;
  return 0;
}

int main(int argc, char *argv[]) {
  for (int i = 2; i < argc; ++i) {
    for (size_t f = 0; f < sizeof kFamilies / sizeof *kFamilies; ++f) {
      if (!is_listed(kFamilies[f].name, argv[1])) continue;
      struct addrinfo hints, *found = NULL;
      memset(&hints, 0, sizeof hints);
      hints.ai_family = kFamilies[f].family;
      hints.ai_socktype = SOCK_STREAM;
      const int error = getaddrinfo(argv[i], NULL, &hints, &found);
      printf("%s %s", argv[i], kFamilies[f].name);
      if (error) printf(" !%s", gai_strerror(error));
      for (const struct addrinfo *item = error ? NULL : found; item; item = item->ai_next)
        print_address(item->ai_addr);
      puts("");
      if (!error) freeaddrinfo(found);
    }
  }
  return 0;
}
