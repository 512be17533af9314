// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/list_line.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "policy/list_letters.h"

namespace dnslet::policy {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kOfAdblock = "|^$*";

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return kFolded[static_cast<uint8_t>(c)] != 0; });
}

// The top domain of a name is no number: such a text is an address with a slip in it.
bool has_number_on_top(std::string_view text) {
  const std::string_view top = text.substr(text.rfind('.') + 1);
  return top.find_first_not_of("0123456789") == std::string_view::npos;
}

// Where the first blank is; the size where there is none. find_first_of() searches its set anew for
// each byte.
std::size_t find_blank(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] != ' ' && text[at] != '\t') ++at;
  return at;
}

// Whether the text is this one, whatever its case.
bool is_like(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char c, char wanted) {
    return static_cast<char>(dns::fold(static_cast<uint8_t>(c))) == wanted;
  });
}

std::string_view without_final_dot(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  return text;
}

// What hosts files name for this machine and its networks, and many lists keep.
bool is_of_this_host(std::string_view text) {
  constexpr std::array<std::string_view, 13> kNames = {
      "localhost",      "localhost.localdomain", "localhost4",     "localhost6",   "local",
      "broadcasthost",  "ip6-localhost",         "ip6-loopback",   "ip6-localnet", "ip6-allnodes",
      "ip6-allrouters", "ip6-allhosts",          "ip6-mcastprefix"};
  constexpr std::string_view kOwnDomain = ".localdomain";
  const std::string_view name = without_final_dot(text);
  const bool is_own =
      is_like(name.substr(name.size() - std::min(name.size(), kOwnDomain.size())), kOwnDomain);
  const bool is_ordinary =
      !is_own && name.find('.') != std::string_view::npos && !has_number_on_top(name);
  if (is_ordinary) return false;  // most are
  return is_own || IpAddress::from_text(name) ||
         std::ranges::any_of(kNames, [name](std::string_view own) { return is_like(name, own); });
}

bool is_comment(std::string_view text) {
  return text.empty() || text.starts_with('#') || text.starts_with('!') || text.starts_with('[') ||
         text.starts_with("//");
}

// Without the `#` behind a blank and what follows it.
std::string_view without_comment(std::string_view text) {
  for (std::size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1))
    if (kBlanks.find(text[at - 1]) != std::string_view::npos) return trimmed(text.substr(0, at));
  return text;
}

// Whether it is an address, maybe with a zone, and names behind it.
bool is_of_hosts(std::string_view text) {
  constexpr std::string_view kUsual = "0.0.0.0 ";
  if (text.starts_with(kUsual) && text[kUsual.size()] != '@') return true;
  const std::size_t blank = find_blank(text);
  if (blank == text.size() || trimmed(text.substr(blank)).starts_with('@')) return false;
  return IpAddress::from_text(text.substr(0, std::min(blank, text.find('%')))).has_value();
}

// Rules about the elements of pages: "##", "#@#", "#?#", "#$#", "#%#", "$$", "$@$".
bool is_about_elements(std::string_view text) {
  for (const char* mark : {"##", "#@", "#?", "#$", "#%", "$$", "$@$"})
    if (text.find(mark) != std::string_view::npos) return true;
  return false;
}

// Whether an Adblock pattern of such a text is about more than names.
bool is_of_url(std::string_view text) {
  return text.find_first_of("/:^|?=&%~,;") != std::string_view::npos;
}

// `text` behind a prefix, whatever its case.
std::optional<std::string_view> behind(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return std::nullopt;
  if (!is_like(text.substr(0, prefix.size()), prefix)) return std::nullopt;
  return text.substr(prefix.size());
}

// The domain of "||DOMAIN^", as most rules of Adblock are.
std::optional<std::string_view> plain_domain(std::string_view text) {
  if (!text.starts_with("||") || !text.ends_with('^')) return std::nullopt;
  const std::string_view domain = text.substr(2, std::max<std::size_t>(text.size(), 3) - 3);
  return domain.starts_with('.') ? std::nullopt : std::optional(domain);
}

// `*` behind `*` adds nothing.
std::string with_single_stars(std::string text) {
  const auto is_double = [](char a, char b) { return a == '*' && b == '*'; };
  text.erase(std::unique(text.begin(), text.end(), is_double), text.end());
  return text;
}

// What no name can hold would only cost time.
bool may_be_in_name(std::string_view letters) {
  return is_plain(letters) && letters.size() + 2 <= dns::kMaxName;
}

bool is_control(char c) { return static_cast<uint8_t>(c) < ' ' || c == '\x7f'; }

// Reads a name. False: it is none, or the root, or has a number on top; `name` is unchanged.
bool read_name(std::string_view text, dns::Name& name) {
  text = without_final_dot(text);
  if (text.empty() || text.size() + 2 > dns::kMaxName) return false;
  std::array<uint8_t, dns::kMaxName> wire;
  std::size_t start = 0;  // of the label: its length byte
  std::size_t at = 1;
  const auto end_label = [&] {
    const std::size_t length = at - start - 1;
    wire[start] = static_cast<uint8_t>(length);
    start = at++;
    return length > 0 && length <= dns::kMaxLabel;
  };
  for (const char c : text) {
    const uint8_t folded = kFolded[static_cast<uint8_t>(c)];
    if (folded == 0) return false;
    if (folded != '.')
      wire[at++] = folded;
    else if (!end_label())
      return false;
  }
  if (!end_label() || has_number_on_top(text)) return false;
  wire[start] = 0;
  name = dns::Name(dns::NameView(dns::BytesView(wire).first(start + 1)));
  return true;
}

}  // namespace

void ListLine::parse(std::string_view text) {
  entries.clear();
  attributes.clear();
  included.clear();
  fault = Fault::None;
  text = trimmed(without_mark(text));
  if (is_comment(text)) return;
  // Most lines are one of these two.
  if (add_name(plain_domain(text).value_or(text), Covers::NameAndBelow)) return;
  text = without_comment(text);
  if (is_of_hosts(text)) return parse_hosts(text);

  for (const char* kind : {"domain:", "full:", "keyword:", "regexp:", "include:"})
    if (const auto value = behind(text, kind)) return parse_prefixed(kind, *value);
  for (const char* key : {"local=/", "server=/", "address=/"})
    if (const auto value = behind(text, key)) return parse_dnsmasq(key, *value);
  if (is_about_elements(text)) return fail(Fault::LeftOut);
  const bool is_wildcard = text.starts_with("*.") && text.find('*', 1) == std::string_view::npos;
  const std::string_view rest = text.substr(is_wildcard ? 1 : 0);
  if (text.starts_with("@@") || rest.find_first_of(kOfAdblock) != std::string_view::npos)
    return parse_adblock(text);
  parse_words(text);
}

bool ListLine::has_attributes(const std::vector<std::string>& wanted) const {
  return std::ranges::all_of(wanted, [this](const std::string& attribute) {
    const bool is_excluded = attribute.starts_with('-');
    const auto found = std::ranges::find(attributes, attribute.substr(is_excluded ? 1 : 0));
    return (found == attributes.end()) == is_excluded;
  });
}

// False: it is no name. REQUIRES: the line has no other form.
bool ListLine::add_name(std::string_view text, Covers covers) {
  entries.emplace_back();
  entries.back().covers = covers;
  if (read_name(text, entries.back().name)) return true;
  entries.pop_back();
  return false;
}

// A domain, maybe with a wildcard's mark in front.
bool ListLine::add_domain(std::string_view text, Covers covers_wildcard) {
  if (text.starts_with("*.")) return add_name(text.substr(2), covers_wildcard);
  if (text.starts_with("+.")) return add_name(text.substr(2), Covers::NameAndBelow);
  return add_name(text.substr(text.starts_with('.') ? 1 : 0), Covers::NameAndBelow);
}

void ListLine::read_attributes(const std::vector<std::string_view>& words) {
  constexpr std::size_t kMaxAttributes = 16;
  if (words.size() > 1 + kMaxAttributes) return fail(Fault::Unreadable);
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].size() < 2 || words[i].front() != '@') return fail(Fault::Unreadable);
    attributes.push_back(lower_case(words[i].substr(1)));
  }
}

void ListLine::parse_prefixed(std::string_view kind, std::string_view value) {
  const std::vector<std::string_view> words = split_blanks(value);
  if (words.empty()) return fail(Fault::Unreadable);
  read_attributes(words);
  if (fault != Fault::None) return;
  const std::string_view word = words.front();
  if (kind == "include:") {
    if (std::ranges::any_of(word, is_control)) return fail(Fault::Unreadable);
    included = word;
  } else if (kind == "regexp:") {
    auto expression = NameExpression::compile(word);
    if (!expression) return fail(Fault::Unreadable);
    entries.emplace_back();
    entries.back().kind = ListEntry::Kind::Expression;
    entries.back().expression = std::make_shared<const NameExpression>(std::move(*expression));
  } else if (kind == "keyword:") {
    NamePattern pattern{lower_case(word)};
    if (!may_be_in_name(word) || !pattern.says_something()) return fail(Fault::Unreadable);
    entries.emplace_back();
    entries.back().kind = ListEntry::Kind::Pattern;
    entries.back().pattern = std::move(pattern);
  } else if (!add_name(word, kind == "full:" ? Covers::Name : Covers::NameAndBelow)) {
    fail(Fault::Unreadable);
  }
}

void ListLine::parse_words(std::string_view text) {
  const std::vector<std::string_view> words = split_blanks(text);
  read_attributes(words);
  if (fault == Fault::None) parse_word(words.front());
}

void ListLine::parse_word(std::string_view word) {
  if (const auto network = Network::from_text(word)) {
    entries.emplace_back();
    entries.back().kind = ListEntry::Kind::Network;
    entries.back().network = *network;
    return;
  }
  if (add_domain(word, Covers::NameAndBelow)) return;
  const bool is_network = IpAddress::from_text(word.substr(0, word.find('/'))).has_value();
  const bool is_url = word.find_first_of("/:") != std::string_view::npos;
  fail(is_url && !is_network ? Fault::LeftOut : Fault::Unreadable);
}

// An address, then names.
void ListLine::parse_hosts(std::string_view text) {
  text.remove_prefix(find_blank(text));
  while (!(text = trimmed(text)).empty()) {  // ends: takes a word each turn
    const std::string_view word = text.substr(0, find_blank(text));
    text.remove_prefix(word.size());
    if (is_of_this_host(word)) continue;
    const bool is_wildcard = word.starts_with("*.");
    const bool is_read =
        is_wildcard ? add_domain(word, Covers::NameAndBelow) : add_name(word, Covers::Name);
    if (!is_read) fail(Fault::Unreadable);
  }
}

// DOMAIN/DOMAIN/…/TARGET, behind the first slash.
void ListLine::parse_dnsmasq(std::string_view key, std::string_view value) {
  const std::size_t last = value.rfind('/');
  if (last == std::string_view::npos || value.find_first_of(kBlanks) != std::string_view::npos)
    return fail(Fault::Unreadable);
  const bool is_exception = key == "server=/" && value.substr(last + 1) == "#";
  std::string_view domains = value.substr(0, last + 1);
  while (!domains.empty()) {  // ends: takes a domain and its slash
    const std::string_view domain = domains.substr(0, domains.find('/'));
    domains.remove_prefix(domain.size() + 1);
    if (!add_domain(domain, Covers::Below)) fail(Fault::Unreadable);
  }
  for (ListEntry& entry : entries) entry.is_exception = is_exception;
}

void ListLine::parse_adblock(std::string_view text) {
  const bool is_exception = text.starts_with("@@");
  if (is_exception) text.remove_prefix(2);
  const std::size_t dollar = text.find('$');
  const bool is_important = dollar != std::string_view::npos;
  if (is_important && lower_case(text.substr(dollar + 1)) != "important")
    return fail(Fault::LeftOut);
  text = text.substr(0, dollar);

  NamePattern pattern;
  if (text.starts_with('|')) {
    pattern.start = text.starts_with("||") ? NamePattern::Start::Label : NamePattern::Start::Name;
    text.remove_prefix(text.starts_with("||") ? 2 : 1);
  }
  for (const char mark : {'|', '^'}) {
    if (!text.ends_with(mark)) continue;
    pattern.end = NamePattern::End::Name;
    text.remove_suffix(1);
  }
  if (is_of_url(text)) return fail(Fault::LeftOut);

  pattern.text = with_single_stars(
      lower_case(pattern.end == NamePattern::End::Name ? without_final_dot(text) : text));
  const bool is_below = text.starts_with("*.") && pattern.start == NamePattern::Start::Label;
  const std::string_view domain = text.substr(is_below ? 2 : 0);
  const bool is_name = pattern.end == NamePattern::End::Name &&
                       pattern.start != NamePattern::Start::Anywhere &&
                       domain.find('*') == std::string_view::npos && !domain.starts_with('.');
  const Covers covers = is_below                                     ? Covers::Below
                        : pattern.start == NamePattern::Start::Label ? Covers::NameAndBelow
                                                                     : Covers::Name;
  if (is_name && IpAddress::from_text(domain)) return fail(Fault::LeftOut);  // about answers
  if (is_name) {
    if (!add_name(domain, covers)) return fail(Fault::Unreadable);
  } else {
    std::string letters = pattern.text;
    std::erase(letters, '*');
    if (!may_be_in_name(letters) || !pattern.says_something()) return fail(Fault::Unreadable);
    entries.emplace_back();
    entries.back().kind = ListEntry::Kind::Pattern;
    entries.back().pattern = std::move(pattern);
  }
  entries.back().is_exception = is_exception;
  entries.back().is_important = is_important;
}

}  // namespace dnslet::policy
