// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// kill_at N FILE PROGRAM [ARGUMENT...]: runs the program and ends it with SIGKILL as it enters its
// Nth system call that touches the file, by its path or by a descriptor. Then the status is 137.
// With a negative N, FILE.new is written over FILE then, as another program would, and the program
// goes on.
// Where it gets to its end with fewer of them, their number is printed to standard error and the
// status is the program's. Signals to the program itself pass.

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char* file;

static int is_path(pid_t pid, unsigned long address) {
  char text[4096];
  const size_t size = strlen(file) + 1;
  struct iovec here = {text, size};
  struct iovec there = {(void*)address, size};
  if (size > sizeof text || address < 4096) return 0;
  return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size && strcmp(text, file) == 0;
}

static int is_descriptor(pid_t pid, unsigned long number) {
  char link[64];
  char target[4096];
  if (number > 4096) return 0;
  snprintf(link, sizeof link, "/proc/%d/fd/%lu", (int)pid, number);
  const ssize_t size = readlink(link, target, sizeof target - 1);
  if (size < 0) return 0;
  target[size] = '\0';
  return strcmp(target, file) == 0;
}

static int touches(pid_t pid) {
  struct __ptrace_syscall_info call;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void*)sizeof call, &call) <= 0) return 0;
  if (call.op != PTRACE_SYSCALL_INFO_ENTRY) return 0;
  const unsigned long first = call.entry.args[0];
  return is_descriptor(pid, first) || is_path(pid, first) || is_path(pid, call.entry.args[1]);
}

static void rewrite(void) {
  char text[4096];
  char other[4096];
  snprintf(other, sizeof other, "%s.new", file);
  const int from = open(other, O_RDONLY);
  const int to = open(file, O_WRONLY | O_TRUNC);
  const ssize_t size = read(from, text, sizeof text);
  if (from < 0 || to < 0 || size < 0 || write(to, text, (size_t)size) != size) _exit(126);
  close(from);
  close(to);
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const long last = atol(argv[1]);
  file = argv[2];
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    execv(argv[3], argv + 3);
    _exit(127);
  }

  int status = 0;
  waitpid(child, &status, 0);
  ptrace(PTRACE_SETOPTIONS, child, NULL,
         (void*)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
                 PTRACE_O_EXITKILL));
  ptrace(PTRACE_SYSCALL, child, NULL, NULL);
  for (long count = 0;;) {
    const pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0) return 125;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (pid != child) continue;
      fprintf(stderr, "%ld\n", count);
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    int passed = WSTOPSIG(status);
    if (passed == (SIGTRAP | 0x80)) {
      passed = 0;
      const int touched = touches(pid);
      if (touched && ++count == -last) rewrite();
      if (touched && count == last) {
        kill(child, SIGKILL);
        while (waitpid(-1, &status, __WALL) > 0) continue;  // the first thread is told of last
        return 137;
      }
    } else if (status >> 16 || passed == SIGSTOP) {
      passed = 0;  // an event of ptrace itself, or a new thread's first stop
    }
    ptrace(PTRACE_SYSCALL, pid, NULL, (void*)(long)passed);
  }
}
