// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The functions of sd-bus (libsystemd) that are used here, loaded when they are needed: linked, the
// library and the five that it needs would cost every dnslet 0.8 MB of memory.

#include <systemd/sd-bus.h>

#include "base/result.h"

namespace dnslet::io {

// See sd-bus(3) for each.
struct SdBus {
  decltype(&sd_bus_open_system) open_system = nullptr;
  decltype(&sd_bus_close_unref) close_unref = nullptr;
  decltype(&sd_bus_get_fd) get_fd = nullptr;
  decltype(&sd_bus_get_events) get_events = nullptr;
  decltype(&sd_bus_get_timeout) get_timeout = nullptr;
  decltype(&sd_bus_process) process = nullptr;
  decltype(&sd_bus_wait) wait = nullptr;
  decltype(&sd_bus_add_match_async) add_match_async = nullptr;
  decltype(&sd_bus_call_async) call_async = nullptr;
  decltype(&sd_bus_message_new_method_call) new_method_call = nullptr;
  decltype(&sd_bus_message_set_auto_start) set_auto_start = nullptr;
  decltype(&sd_bus_message_unref) unref = nullptr;
  decltype(&sd_bus_message_append) append = nullptr;
  decltype(&sd_bus_message_get_error) get_error = nullptr;
  decltype(&sd_bus_message_enter_container) enter = nullptr;
  decltype(&sd_bus_message_exit_container) exit = nullptr;
  decltype(&sd_bus_message_read) read = nullptr;
  decltype(&sd_bus_message_read_array) read_array = nullptr;
  decltype(&sd_bus_message_skip) skip = nullptr;
};

// They stay loaded. Fails with a sentence.
Result<SdBus> load_sd_bus();

}  // namespace dnslet::io
