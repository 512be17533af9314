// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// For LD_PRELOAD: pread hangs while the file named by SLOW_READ exists, as on a network file system
// whose server is gone.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t pread64(int fd, void* bytes, size_t size, off64_t offset) {
  ssize_t (*real)(int, void*, size_t, off64_t) = dlsym(RTLD_NEXT, "pread64");
  while (access(getenv("SLOW_READ"), F_OK) == 0) usleep(1000);
  return real(fd, bytes, size, offset);
}

ssize_t pread(int fd, void* bytes, size_t size, off_t offset) {
  return pread64(fd, bytes, size, offset);
}
