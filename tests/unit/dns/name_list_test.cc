// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/name_list.h"

#include <string>

#include "catch.h"

using namespace dnslet::dns;

TEST_CASE("a list of names gives them back in order, the root and the longest too") {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  NameList list;
  CHECK(list.empty());
  for (const std::string& text :
       {std::string("A.test"), std::string("."), longest, std::string("b")})
    list.add(*Name::from_text(text));
  std::vector<std::string> texts;
  list.for_each([&](NameView name) { texts.push_back(name.to_text()); });
  CHECK(texts == std::vector<std::string>{"a.test", ".", longest, "b"});
  CHECK(list.size() == 4);
}
