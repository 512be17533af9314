// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A line of any text as a regular expression, the rest as a name: what is refused has a reason, and
// what is compiled fits the same in a group, and where no literal is known that it has to hold.

#include <algorithm>
#include <cassert>
#include <string>

#include "dns/name.h"
#include "input.h"
#include "policy/name_expression.h"

namespace {

using namespace dnslet;
using policy::NameExpression;

std::string folded(std::string text) {
  for (char& c : text) c = static_cast<char>(dns::fold(static_cast<std::uint8_t>(c)));
  return text;
}

void check_same(const std::string& text, const std::string& name, bool fits) {
  const auto other = NameExpression::compile(text);
  if (other) assert(other->fits(name) == fits);  // else it became too large
}

void check(const NameExpression& expression, const std::string& name) {
  const bool fits = expression.fits(name);
  check_same("(?:" + expression.text() + ")", name, fits);
  check_same(expression.text() + "|a^a", name,
             fits);  // the second never fits, its literal is short
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::text_of(fuzz::Input(data, size).rest());
  const std::size_t end = std::min(text.find('\n'), text.size());
  const auto expression = NameExpression::compile(text.substr(0, end));
  if (!expression) {
    assert(!expression.error().text.empty());
    return 0;
  }
  const std::string name = folded(text.substr(std::min(end + 1, text.size())));
  if (name.size() <= dns::kMaxName) check(*expression, name);
  return 0;
}
