// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/resolv_conf_edit.h"

#include "catch.h"
#include "config/resolv_conf.h"

namespace dnslet::config {
namespace {

using Servers = std::vector<std::string>;

const Servers kServer = {"127.0.0.1"};
const Servers kOther = {"127.0.0.2"};
const Servers kTwo = {"127.0.0.1", "172.17.0.1"};
constexpr std::size_t kUnmarked = 11;  // so many bytes of an edit could be the user's own

std::string entered(std::string_view original) { return with_entry(original, kServer); }
std::string entered_with_options(std::string_view original) {
  return with_entry(original, kServer, ClientOptions::Auto);
}

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
      "# dnslet: a comment\n# dnslet: # dnslet: nameserver 10.0.0.1\n",
      "# dnslet: search a.test\n# dnslet\n#|nameserver 10.0.0.1\n#~",
      "search a.test\n\n\n#|\n#",
      "domain a.test\n search b.test\n\toptions timeout:1  ndots:5 rotate # ndots:3\noptions "
      "edns0\n",
      "options ndots:1\noptions ndots:\r\nsearch a.test",
      "# dnslet: domain a.test\n# dnslet: options ndots:2\n",
      std::string("nul \0 byte\nnameserver 10.0.0.1\n\xff", 33),
      std::string(5000, 'x') + "\nnameserver 10.0.0.1\n",
  };
  return texts;
}

// Every state in which a stop can leave a file: in the middle of the first write, behind it, in the
// middle of the second one where that is more than a page, behind it.
std::vector<std::string> stops(const std::string& from, const std::string& to) {
  constexpr std::size_t kPage = 4096;
  const InPlaceEdit edit = plan_edit(from, to);
  const Steps done = steps(from, to);
  std::vector<std::string> texts = {from, done.overwritten, done.cut};
  for (std::size_t i = kUnmarked; i <= edit.tail.size(); ++i)
    texts.push_back(written(from, from.size(), edit.tail, i));
  for (std::size_t i = kPage; i < edit.head.size(); i += kPage)
    texts.push_back(written(done.with_copy, 0, edit.head, i));
  return texts;
}

}  // namespace

TEST_CASE("our entry comes first, nameserver lines are kept as comments") {
  CHECK(entered("search a.test\nnameserver 10.0.0.1\noptions ndots:5\nnameserver fd00::1\n") ==
        "# added by dnslet: 127.0.0.1\nnameserver 127.0.0.1\n"
        "search a.test\n# dnslet: nameserver 10.0.0.1\noptions ndots:5\n"
        "# dnslet: nameserver fd00::1\n");
}

TEST_CASE("clients that are to ask once lose their search list and their ndots") {
  CHECK(entered_with_options("search a.test\nnameserver 10.0.0.1\noptions rotate ndots:5 use-vc\n"
                             " domain b.test\noptions edns0\n") ==
        "# added by dnslet: 127.0.0.1\nnameserver 127.0.0.1\n"
        "options ndots:1 rotate use-vc # added by dnslet\n"
        "# dnslet: search a.test\n# dnslet: nameserver 10.0.0.1\n"
        "# dnslet: options rotate ndots:5 use-vc\n# dnslet:  domain b.test\noptions edns0\n");
}

TEST_CASE("what clients lose is read all the same") {
  const auto conf =
      parse_resolv_conf(entered_with_options("search a.test b.test\noptions ndots:3\n"));
  CHECK(conf.search == std::vector<std::string>{"a.test", "b.test"});
  CHECK(conf.ndots == 3U);
}

TEST_CASE("from one kind of entry to the other the original stays") {
  for (const std::string& original : originals()) {
    CAPTURE(original);
    const std::string kept = entered(original);
    const std::string with_options = entered_with_options(original);
    CHECK(original_of(with_options) == original);
    CHECK(entry_in(with_options) == kServer);
    CHECK(steps(kept, with_options).cut == with_options);
    CHECK(steps(with_options, kept).cut == kept);
  }
}

TEST_CASE("a line that looks like a kept one survives") {
  const std::string original = "# dnslet: nameserver 10.0.0.9\nnameserver 10.0.0.1\n";
  CHECK(original_of(original) == original);
  CHECK(original_of(entered(original)) == original);
}

TEST_CASE("the entry is found, whoever put it there") {
  CHECK(entry_in(entered("nameserver 10.0.0.1\n")) == kServer);
  CHECK(entry_in(with_entry("nameserver 10.0.0.1\n", kTwo)) == kTwo);
  CHECK(entry_in("search a\nnameserver fe80::1%eth0 # added by dnslet\r\n") ==
        Servers{"fe80::1%eth0"});
  CHECK(entry_in("nameserver 10.0.0.1 # added by somebody\n").empty());
  CHECK(entry_in("# nameserver 10.0.0.1 # added by dnslet\n").empty());
  CHECK(entry_in("# added by dnslet: 10.0.0.1\nnameserver 10.0.0.2\n").empty());
  CHECK(entry_in("").empty());
}

TEST_CASE("an entry that has lost one of its lines is the same entry") {
  const std::string text = "# added by dnslet: 127.0.0.1 172.17.0.1\nnameserver 172.17.0.1\n";
  CHECK(entry_in(text) == kTwo);
  CHECK(original_of(text).empty());
}

TEST_CASE("two nameservers stand below one mark") {
  const std::string original = "search a.test\nnameserver 10.0.0.1\n";
  const std::string edited = with_entry(original, kTwo);
  CHECK(edited ==
        "# added by dnslet: 127.0.0.1 172.17.0.1\nnameserver 127.0.0.1\n"
        "nameserver 172.17.0.1\nsearch a.test\n# dnslet: nameserver 10.0.0.1\n");
  CHECK(original_of(edited) == original);
}

TEST_CASE("a nameserver that others put below the mark stays") {
  CHECK(original_of("# added by dnslet: 127.0.0.1\nnameserver 10.8.0.1\nnameserver 127.0.0.1\n"
                    "# dnslet: nameserver 10.0.0.1\n") ==
        "nameserver 10.8.0.1\nnameserver 10.0.0.1\n");
}

TEST_CASE("a mark without what it announces is no entry") {
  for (const std::string original :
       {"# added by dnslet: 127.0.0.1\n# dnslet: nameserver 10.0.0.1\n",
        "# added by dnslet: 127.0.0.1\nnameserver 127.0.0.11\n", "# added by dnslet: \n",
        "nameserver 127.0.0.1\n# added by dnslet: 127.0.0.1\n",
        "# added by dnslet: 127.0.0.1\n# added by dnslet: 127.0.0.9\nnameserver 127.0.0.1\n"}) {
    CAPTURE(original);
    CHECK(original_of(original) == original);
    CHECK(original_of(entered(original)) == original);
  }
}

// What versions before this one wrote: the mark behind the address.
std::string older_form(std::string edited) {
  const std::string_view mark = "# added by dnslet: 127.0.0.1\n";
  const std::string_view line = "nameserver 127.0.0.1";
  return edited.substr(mark.size()).insert(line.size(), " # added by dnslet");
}

TEST_CASE("an entry of the older form is restored, also from the middle of an edit") {
  for (const std::string& original : originals()) {
    const std::string older = older_form(entered(original));
    CAPTURE(original, older);
    CHECK(entry_in(older) == kServer);
    CHECK(original_of(older) == original);
    CHECK(steps(older, entered(original)).cut == entered(original));
    for (const auto& [from, to] : {std::pair(original, older), std::pair(older, original),
                                   std::pair(older, entered(original))})
      for (const std::string& text : stops(from, to))
        if (original_of(text) != original) {
          CAPTURE(text);
          CHECK(original_of(text) == original);
        }
  }
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

TEST_CASE("an edit may stop anywhere") {
  for (const std::string& original : originals()) {
    const std::string edited = entered(original);
    const std::string with_options = entered_with_options(original);
    for (const auto& [from, to] :
         {std::pair(original, edited), std::pair(edited, original), std::pair(edited, with_options),
          std::pair(original, with_options), std::pair(with_options, original)})
      for (const std::string& text : stops(from, to))
        if (original_of(text) != original) {
          CAPTURE(original, text);
          CHECK(original_of(text) == original);
        }
  }
}

TEST_CASE("an edit that makes the text grow over a page may stop there") {
  constexpr std::size_t kPage = 4096;
  const std::string rest = "nameserver 10.0.0.1\nsearch a.test\noptions ndots:5 rotate\n";
  for (std::size_t size = kPage - 200; size <= kPage + 20; ++size) {
    const std::string original = std::string(size - rest.size() - 2, '#') + "#\n" + rest;
    for (const ClientOptions options : {ClientOptions::Keep, ClientOptions::Auto}) {
      const std::string to = with_entry(original, kServer, options);
      const InPlaceEdit edit = plan_edit(original, to);
      std::string file = original + edit.tail;
      for (std::size_t done = 0; done < edit.head.size(); done += kPage) {
        file.replace(0, done, edit.head, 0, done);
        if (original_of(file) != original) FAIL(size << ", " << done);
        if (done <= original.size()) continue;
        if (original_of(file + "options rotate\n") != original + "options rotate\n")
          FAIL("appended to: " << size << ", " << done);
      }
    }
  }
}

TEST_CASE("an edit may stop anywhere twice") {
  for (const std::string original :
       {"", "search a.test\nnameserver 10.0.0.1", "nameserver 10.0.0.1\n"}) {
    const std::string edited = entered(original);
    for (const auto& [from, to] : {std::pair(original, edited), std::pair(edited, original)})
      for (const std::string& left : stops(from, to))
        for (const std::string& text : stops(left, with_entry(original, kOther)))
          if (original_of(text) != original) {
            CAPTURE(left, text);
            CHECK(original_of(text) == original);
          }
  }
}

// The padding's first bytes could be the user's own.
TEST_CASE("of an edit that stops in its first bytes a comment may be left") {
  for (const std::string& original : originals()) {
    const InPlaceEdit edit = plan_edit(original, entered(original));
    for (std::size_t i = 0; i < kUnmarked; ++i) {
      const std::string left = original_of(written(original, original.size(), edit.tail, i));
      CAPTURE(original, i, left);
      CHECK(left.starts_with(original));
      CHECK(edit.tail.starts_with(left.substr(original.size())));
    }
  }
}

TEST_CASE("the first bytes of a padding are ours wherever they stand") {
  for (const char* const text : {"# dnslet: editing ", "#~ dnslet: editing ", "#~ dnslet:"}) {
    CAPTURE(text);
    const std::string original = original_of(text);
    CHECK(original.empty());
    CHECK(original_of(with_entry(text, kServer)) == original);
  }
}

TEST_CASE("what was written and then lost to a power cut reads as zeros") {
  const std::string original = "search a.test\nnameserver 10.0.0.1\n";
  const InPlaceEdit edit = plan_edit(original, entered(original));
  for (std::size_t i = 30; i < edit.tail.size(); ++i) {
    std::string text = written(original, original.size(), edit.tail, i);
    text.resize(original.size() + edit.tail.size());
    CAPTURE(i);
    CHECK(original_of(text) == original);
  }
}

TEST_CASE("an edit that stopped is edited again") {
  const std::string original = "search a.test\nnameserver 10.0.0.1";
  for (const std::string& left : stops(original, entered(original)))
    CHECK(steps(left, with_entry(original, kOther)).cut == with_entry(original, kOther));
}

TEST_CASE("what others do to a file after a stop counts") {
  const std::string original = "search a.test\nnameserver 10.0.0.1\n";
  const Steps done = steps(original, entered(original));
  for (const std::string& left : {done.with_copy, done.overwritten}) {
    CAPTURE(left);
    CHECK(original_of("nameserver 10.0.0.7\n" + left) == "nameserver 10.0.0.7\n" + original);
    CHECK(original_of(left + "options rotate\n") == original + "options rotate\n");
    std::string other = left;
    for (std::size_t at = other.find("10.0.0.1"); at != std::string::npos;
         at = other.find("10.0.0.1", at + 1))
      other.replace(at, 8, "10.0.0.9");
    CHECK(original_of(other) == "search a.test\nnameserver 10.0.0.9\n");
    std::string in_front = left;
    in_front.replace(in_front.find("a.test"), 6, "b.test");
    CHECK(original_of(in_front) == "search b.test\nnameserver 10.0.0.1\n");
  }
}

TEST_CASE("a leftover whose line ends were changed is taken out too") {
  const std::string original = "nameserver 10.0.0.1\n";
  std::string text;
  for (const char c : steps(original, entered(original)).overwritten)
    text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(original_of(text) == "nameserver 10.0.0.1\r\n");
}

TEST_CASE("numbers in a copy's head line may be anything") {
  const std::string numbers =
      GENERATE(as<std::string>{}, "", "0", "0 0 0 18446744073709551615 0", "0 0 0 0 0",
               "18446744073709551615 0 0 18446744073709551615 0", "-1 -1 -1 -1 -1",
               "99999999999999999999 0 0 1 0", "1 zz 0 1 0");
  const std::string front = "nameserver 10.0.0.1\n# dnslet: editing ##\n";
  for (const std::string body : {"", "#|", "#|\n", "#|nameserver 10.0.0.9\n"}) {
    const std::string text = front + "# dnslet: this file is being edited, it held: " + numbers +
                             "\n" + body + "# dnslet: end of what it held\n";
    CAPTURE(text);
    CHECK(original_of(text) == "nameserver 10.0.0.1\n");
  }
}

TEST_CASE("without room an edit overwrites and leaves a comment to be cut off") {
  const std::string original = "search a.test\nnameserver 10.0.0.1";
  const std::string edited = entered(original);
  const auto text = overwrite_with(edited, original);
  REQUIRE(text);
  CHECK(text->size() == edited.size());
  CHECK(text->starts_with(original + "\n#"));
  CHECK(original_of(*text) == original);
  CHECK_FALSE(overwrite_with(original, edited));
  CHECK_FALSE(overwrite_with(original, original));
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
    const bool is_new = kept == "nameserver 127.0.0.1\nsearch a.test\n";
    CHECK((is_old || is_new));
  }
}

// Which address clients need.

std::string entry(const std::vector<std::string>& listen) {
  std::vector<Endpoint> endpoints;
  for (const std::string& text : listen) endpoints.push_back(*Endpoint::from_text(text, 53));
  std::string text;
  for (const std::string& server : entry_for(endpoints))
    (text += text.empty() ? "" : " ") += server;
  return text;
}

TEST_CASE("the entry is the first listener on port 53") {
  CHECK(entry({"127.0.0.1"}) == "127.0.0.1");
  CHECK(entry({"10.0.0.1:5353", "127.0.0.7"}) == "127.0.0.7");
  CHECK(entry({"0.0.0.0"}) == "127.0.0.1");
  CHECK(entry({"[::]"}) == "::1");
  CHECK(entry({"[fe80::1%eth0]"}) == "fe80::1%eth0");
  CHECK(entry({"10.0.0.1", "127.0.0.1", "10.0.0.2"}) == "10.0.0.1");
  CHECK(entry({"127.0.0.1:5353"}).empty());
  CHECK(entry({}).empty());
}

TEST_CASE("behind a loopback address comes one that containers can reach") {
  CHECK(entry({"127.0.0.1", "172.17.0.1"}) == "127.0.0.1 172.17.0.1");
  CHECK(entry({"0.0.0.0", "[fd00::1]"}) == "127.0.0.1 fd00::1");
  CHECK(entry({"[::1]", "127.0.0.1", "0.0.0.0", "172.17.0.1:5353", "172.18.0.1", "172.19.0.1"}) ==
        "::1 172.18.0.1");
  CHECK(entry({"172.17.0.1:5353", "172.18.0.1:5353", "127.0.0.1"}) == "127.0.0.1");
  CHECK(entry({"172.17.0.1", "127.0.0.1"}) == "172.17.0.1");
}

}  // namespace dnslet::config
