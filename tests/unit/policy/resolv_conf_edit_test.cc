// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/resolv_conf_edit.h"

#include "catch.h"
#include "policy/resolv_conf.h"

namespace dnslet::policy {
namespace {

constexpr const char* kServer = "127.0.0.1";

std::string entered(std::string_view original) { return with_entry(original, kServer); }

// The file as it is when the first `count` bytes of what a step writes at `offset` are there.
std::string written(std::string text, std::size_t offset, std::string_view bytes,
                    std::size_t count) {
  text.resize(std::max(text.size(), offset + count));
  return text.replace(offset, count, bytes.substr(0, count));
}

// What a file holds at the end of each step of an edit.
struct Steps {
  std::string with_copy;
  std::string overwritten;
  std::string cut;
};

Steps steps(const std::string& from, const std::string& to) {
  const InPlaceEdit edit = plan_edit(from, to);
  Steps done;
  done.with_copy = written(from, from.size(), edit.tail, edit.tail.size());
  done.overwritten = written(done.with_copy, 0, edit.head, edit.head.size());
  done.cut = done.overwritten.substr(0, edit.size);
  return done;
}

const std::vector<std::string>& originals() {
  static const std::vector<std::string> texts = {
      "",
      "\n",
      "nameserver 10.0.0.1",
      "nameserver 10.0.0.1\n",
      "# a comment\nsearch a.test b.test\nnameserver 10.0.0.1\nnameserver fd00::1\noptions "
      "ndots:5\n",
      "search a.test\r\nnameserver 10.0.0.1\r\noptions edns0\r\n",
      " nameserver 10.0.0.1\n\tnameserver\t10.0.0.2\nnameservers 10.0.0.3\n",
      "# dnslet: nameserver 10.0.0.9\nnameserver 10.0.0.1\n",
      "# dnslet: editing ###\n#|nameserver 10.0.0.1\n",
      "search a.test\n\n\n#|\n#",
      std::string("nul \0 byte\nnameserver 10.0.0.1\n\xff", 33),
      std::string(5000, 'x') + "\nnameserver 10.0.0.1\n",
  };
  return texts;
}

}  // namespace

TEST_CASE("our entry comes first, nameserver lines are kept as comments") {
  CHECK(entered("search a.test\nnameserver 10.0.0.1\noptions ndots:5\nnameserver fd00::1\n") ==
        "nameserver 127.0.0.1 # added by dnslet\n"
        "search a.test\n# dnslet: nameserver 10.0.0.1\noptions ndots:5\n"
        "# dnslet: nameserver fd00::1\n");
}

TEST_CASE("a line that looks like a kept one survives") {
  const std::string original = "# dnslet: nameserver 10.0.0.9\nnameserver 10.0.0.1\n";
  CHECK(original_of(original) == original);
  CHECK(original_of(entered(original)) == original);
}

TEST_CASE("the entry is found, whoever put it there") {
  CHECK(entry_in(entered("nameserver 10.0.0.1\n")) == kServer);
  CHECK(entry_in("search a\nnameserver fe80::1%eth0 # added by dnslet\r\n") == "fe80::1%eth0");
  CHECK_FALSE(entry_in("nameserver 10.0.0.1 # added by somebody\n"));
  CHECK_FALSE(entry_in("# nameserver 10.0.0.1 # added by dnslet\n"));
  CHECK_FALSE(entry_in(""));
}

TEST_CASE("what was edited is restored byte for byte") {
  for (const std::string& original : originals()) {
    CAPTURE(original);
    CHECK(original_of(original) == original);
    const std::string edited = entered(original);
    CHECK(original_of(edited) == original);
    CHECK(parse_resolv_conf(edited).nameservers == parse_resolv_conf(original).nameservers);
  }
}

TEST_CASE("what others added meanwhile stays") {
  const std::string edited = entered("search a.test\nnameserver 10.0.0.1\n");
  CHECK(original_of("nameserver 10.0.0.7\n" + edited + "options rotate\n") ==
        "nameserver 10.0.0.7\nsearch a.test\nnameserver 10.0.0.1\noptions rotate\n");
}

TEST_CASE("without our entry nothing is restored") {
  const std::string text = "nameserver 10.0.0.7\n# dnslet: nameserver 10.0.0.1\n";
  CHECK(original_of(text) == text);
}

TEST_CASE("an edit ends with exactly the text that was wanted") {
  for (const std::string& original : originals()) {
    CAPTURE(original);
    CHECK(steps(original, entered(original)).cut == entered(original));
    CHECK(steps(entered(original), original).cut == original);
  }
}

// A stop between two steps or in the middle of one: the next start finds the original.
TEST_CASE("an edit may stop at any byte") {
  for (const std::string& original : originals()) {
    const std::string edited = entered(original);
    for (const auto& [from, to] : {std::pair(original, edited), std::pair(edited, original)}) {
      const InPlaceEdit edit = plan_edit(from, to);
      const std::string with_copy = steps(from, to).with_copy;
      const auto check = [&original = original](const std::string& text) {
        if (original_of(text) == original) return;
        CAPTURE(text);
        CHECK(original_of(text) == original);
      };
      const std::size_t marked = edit.tail.find("it held");
      for (std::size_t i = edit.tail.find('\n', marked) + 1; i <= edit.tail.size(); ++i)
        check(written(from, from.size(), edit.tail, i));
      for (std::size_t i = 0; i <= edit.head.size(); ++i)
        check(written(with_copy, 0, edit.head, i));
    }
  }
}

// The padding's first bytes could be the user's own: of those a comment or a line end may be left.
TEST_CASE("an edit may stop in its first bytes") {
  for (const std::string& original : originals()) {
    const InPlaceEdit edit = plan_edit(original, entered(original));
    const std::size_t marked = edit.tail.find("it held");
    for (std::size_t i = 0; i < marked; ++i) {
      const std::string left = original_of(written(original, original.size(), edit.tail, i));
      CAPTURE(original, i, left);
      CHECK(left.starts_with(original));
      const std::string rest = left.substr(original.size());
      const bool is_comment = edit.tail.starts_with(rest);
      const bool is_short = rest.size() < std::string("\n# dnslet: editing #").size();
      CHECK((is_comment && is_short));
    }
  }
}

TEST_CASE("an edit that stopped is edited again, and may stop again") {
  const std::string original = "search a.test\nnameserver 10.0.0.1";
  for (const std::string& left : {steps(original, entered(original)).with_copy,
                                  steps(original, entered(original)).overwritten}) {
    const std::string edited = with_entry(original, "127.0.0.2");
    const Steps again = steps(left, edited);
    CHECK(original_of(again.with_copy) == original);
    CHECK(original_of(again.overwritten) == original);
    CHECK(again.cut == edited);
  }
}

TEST_CASE("in the middle of an edit resolvers find nameservers") {
  const std::string original = "search a.test\nnameserver 10.0.0.1";
  const Steps done = steps(original, entered(original));
  for (const std::string& text : {done.with_copy, done.overwritten}) {
    CAPTURE(text);
    std::string kept;
    for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
      end = text.find('\n', at);
      if (text[at] != '#') kept += text.substr(at, end == std::string::npos ? end : end - at + 1);
    }
    const bool is_old = kept == original + "\n";
    const bool is_new = kept == "nameserver 127.0.0.1 # added by dnslet\nsearch a.test\n";
    CHECK((is_old || is_new));
  }
}

TEST_CASE("what was added to a file that an edit left behind stays") {
  const std::string original = "nameserver 10.0.0.1";
  const std::string left = steps(original, entered(original)).overwritten;
  CHECK(original_of(left + "options rotate\n") == "nameserver 10.0.0.1\noptions rotate\n");
}

TEST_CASE("a copy that is not whole is not taken") {
  const std::string original = "nameserver 10.0.0.1\n";
  std::string text = steps(original, entered(original)).overwritten;
  text[text.find("#|nameserver") + 5] = 'X';
  CHECK(original_of(text) != original);
  CHECK(original_of(text).find("#|namX") != std::string::npos);
}

// Which address clients need.

TEST_CASE("the entry is the first listener on port 53") {
  const auto entry = [](std::vector<std::string> listen) {
    std::vector<Endpoint> endpoints;
    for (const std::string& text : listen) endpoints.push_back(*Endpoint::from_text(text, 53));
    return entry_for(endpoints).value_or("none");
  };
  CHECK(entry({"127.0.0.1"}) == "127.0.0.1");
  CHECK(entry({"10.0.0.1:5353", "127.0.0.7"}) == "127.0.0.7");
  CHECK(entry({"0.0.0.0"}) == "127.0.0.1");
  CHECK(entry({"[::]"}) == "::1");
  CHECK(entry({"[fe80::1%eth0]"}) == "fe80::1%eth0");
  CHECK(entry({"127.0.0.1:5353"}) == "none");
  CHECK(entry({}) == "none");
}

}  // namespace dnslet::policy
