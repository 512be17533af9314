// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/stand_in.h"

#include <algorithm>
#include <string>

#include "catch.h"

using namespace dnslet;

namespace {

// Header, `name` in wire form, and what is behind it.
dns::Bytes message(uint16_t flags, uint16_t questions, const std::string& rest) {
  dns::Bytes bytes(12 + rest.size());
  dns::Writer writer(bytes);
  writer.u16(0x1234);
  writer.u16(flags);
  writer.u16(questions);
  std::copy(rest.begin(), rest.end(), bytes.begin() + 12);
  return bytes;
}

std::string question(const std::string& name, const std::string& type = std::string("\0\1", 2),
                     const std::string& qclass = std::string("\0\1", 2)) {
  return name + '\0' + type + qclass;
}

const dns::Bytes kQuery = message(0x0100, 1, question("\3www\4test"));

bool is_answer(uint16_t flags, uint16_t questions, const std::string& rest) {
  return io::answers(message(flags, questions, rest), kQuery);
}

}  // namespace

TEST_CASE("an answer repeats its question") {
  CHECK(is_answer(0x8180, 1, question("\3www\4test")));
  CHECK(is_answer(0x8180, 1, question("\3wWw\4TEST")));
  CHECK(is_answer(0x8180, 1, question("\3www\4test") + "records and what not"));
  CHECK_FALSE(is_answer(0x0100, 1, question("\3www\4test")));
  CHECK_FALSE(is_answer(0x8180, 0, question("\3www\4test")));
  CHECK_FALSE(is_answer(0x8180, 2, question("\3www\4test")));
  CHECK_FALSE(is_answer(0x8180, 1, question("\3wwx\4test")));
  CHECK_FALSE(is_answer(0x8180, 1, question("\3www\4tes")));
  CHECK_FALSE(is_answer(0x8180, 1, question("\3www\4testx")));
  CHECK_FALSE(is_answer(0x8180, 1, question("\2ww\5wtest")));
  CHECK_FALSE(is_answer(0x8180, 1, question("\3www\4test", std::string("\0\34", 2))));
  CHECK_FALSE(is_answer(0x8180, 1,
                        question("\3www\4test", std::string("\0\1", 2), std::string("\0\3", 2))));
}

TEST_CASE("type and class have no case of letters") {
  const dns::Bytes query = message(0x0100, 1, question("\1a", "\101\101"));
  CHECK(io::answers(message(0x8180, 1, question("\1A", "\101\101")), query));
  CHECK_FALSE(io::answers(message(0x8180, 1, question("\1A", "\141\101")), query));
  CHECK_FALSE(io::answers(message(0x8180, 1, question("\1A", "\101\141")), query));
}

TEST_CASE("no byte but a letter has a case") {
  const dns::Bytes query = message(0x0100, 1, question("\4@[\300_"));
  CHECK(io::answers(message(0x8180, 1, question("\4@[\300_")), query));
  CHECK_FALSE(io::answers(message(0x8180, 1, question("\4`[\300_")), query));
  CHECK_FALSE(io::answers(message(0x8180, 1, question("\4@{\300_")), query));
  CHECK_FALSE(io::answers(message(0x8180, 1, question("\4@[\340_")), query));
}

TEST_CASE("a bare header answers, anything else that is cut off does not") {
  CHECK(is_answer(0x8185, 0, ""));
  CHECK_FALSE(is_answer(0x8185, 1, ""));
  const dns::Bytes whole = message(0x8180, 1, question("\3www\4test"));
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(io::answers(dns::BytesView(whole).first(size), kQuery));
  dns::Bytes with_record = message(0x8180, 0, "");
  with_record[7] = 1;
  CHECK_FALSE(io::answers(with_record, kQuery));
}

TEST_CASE("a stand-in for an answer answers the stand-in for its question") {
  const io::StandIn asked = io::question_stand_in(0xbeef);
  const io::StandIn plain = io::answer_stand_in(0xbeef, false);
  const io::StandIn cut = io::answer_stand_in(0xbeef, true);
  CHECK(io::answers(plain, asked));
  CHECK_FALSE(io::is_truncated(plain));
  CHECK(io::answers(cut, asked));
  CHECK(io::is_truncated(cut));
  CHECK_FALSE(io::answers(asked, asked));
}
