// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Result<T>: a value, or one sentence for a person that says why there is none.
//
// For trouble with options, files and the operating system. Bytes from the network never carry
// text: there std::optional and Reader::ok() are used. A sentence names the action, the thing and
// the system's reason, in this order: "cannot bind 127.0.0.1:53/udp: permission denied".

#include <string>
#include <utility>
#include <variant>

namespace dnslet {

struct Error {
  std::string text;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return std::holds_alternative<T>(state_); }

  // REQUIRES: the Result holds a value.
  T& operator*() { return std::get<T>(state_); }
  const T& operator*() const { return std::get<T>(state_); }
  T* operator->() { return &std::get<T>(state_); }
  const T* operator->() const { return &std::get<T>(state_); }

  // REQUIRES: the Result holds no value.
  const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

// The outcome of an action that yields nothing.
struct Done {};
using Status = Result<Done>;

}  // namespace dnslet
