// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/sd_bus.h"

#include <dlfcn.h>

#include <string>

namespace dnslet::io {
namespace {

constexpr const char* kLibrary = "libsystemd.so.0";

class Functions {
 public:
  explicit Functions(void* library) : library_(library) {}

  template <typename Function>
  void find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library_, name));
    if (function == nullptr && missing_ == nullptr) missing_ = name;
  }
  // The first that is not there; null: all are.
  const char* missing() const { return missing_; }

 private:
  void* library_;
  const char* missing_ = nullptr;
};

}  // namespace

Result<SdBus> load_sd_bus() {
  void* const library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr)
    return Error{std::string("cannot load libsystemd: ") + dlerror() + "; install libsystemd0"};
  SdBus bus;
  Functions functions(library);
  functions.find("sd_bus_open_system", bus.open_system);
  functions.find("sd_bus_close_unref", bus.close_unref);
  functions.find("sd_bus_get_fd", bus.get_fd);
  functions.find("sd_bus_get_events", bus.get_events);
  functions.find("sd_bus_get_timeout", bus.get_timeout);
  functions.find("sd_bus_process", bus.process);
  functions.find("sd_bus_wait", bus.wait);
  functions.find("sd_bus_add_match_async", bus.add_match_async);
  functions.find("sd_bus_call_async", bus.call_async);
  functions.find("sd_bus_message_new_method_call", bus.new_method_call);
  functions.find("sd_bus_message_set_auto_start", bus.set_auto_start);
  functions.find("sd_bus_message_unref", bus.unref);
  functions.find("sd_bus_message_append", bus.append);
  functions.find("sd_bus_message_get_error", bus.get_error);
  functions.find("sd_bus_message_enter_container", bus.enter);
  functions.find("sd_bus_message_exit_container", bus.exit);
  functions.find("sd_bus_message_read", bus.read);
  functions.find("sd_bus_message_read_array", bus.read_array);
  functions.find("sd_bus_message_skip", bus.skip);
  if (functions.missing() != nullptr)
    return Error{std::string("cannot use libsystemd: it has no ") + functions.missing()};
  return bus;
}

}  // namespace dnslet::io
