// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "report/explain.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

#include "base/address_set.h"
#include "base/text.h"
#include "dns/patch.h"
#include "dns/record_text.h"
#include "io/resolved.h"
#include "policy/decide.h"
#include "policy/family.h"
#include "policy/rule_set.h"
#include "policy/special.h"
#include "policy/storing.h"
#include "report/explain_text.h"

namespace dnslet::report {
namespace {

// The first rung that has such answers.
std::string label_of(policy::Source source) {
  const auto ladder = policy::ladder();
  const auto rung = std::ranges::find(ladder, source, &policy::Rung::source);
  return rung == ladder.end() ? to_text(source) : rung->label;
}

}  // namespace

bool Explanation::tell(const dns::Question& question) {
  question_ = question;
  listed_ = listed(question_.name);  // takes long; later on it would count as time of a server
  row("question", question.name.view().to_text() + ' ' + to_text(question.type));
  if (!options().allow.empty())
    row(label_of(Source::Refused), "asked as by " + options().allow.front().address.to_text() +
                                       "; who is not allowed is refused");
  serve::Worker& worker = subject_.worker;
  worker.watch(
      {[this](const policy::Tried& tried) { on_tried(tried); },
       [this](const policy::RuleEvent& event) { on_rule(event); },
       [this](const policy::Guarded& guarded) { on_guarded(guarded); },
       [this](const serve::Asker::Exchange& exchange) { on_exchange(exchange); },
       [this](const std::string& server, const io::TlsOpened& opened) { on_tls(server, opened); }});
  worker.when_settled([this, &worker] {  // in the loop, whose clock stands still until it runs
    started_ns_ = uv_hrtime();
    started_ = worker.loop().now();
    worker.look_up(question_, [this, &worker](const policy::Reply& reply, dns::BytesView message) {
      on_answer(reply, message);
      worker.stop();
    });
  });
  worker.run();
  worker.watch({});
  return has_records_ && std::ferror(out_) == 0;
}

// `end`: the rung that had the answer; nullopt: none had.
void Explanation::tell_rungs(std::optional<Source> end) {
  if (std::exchange(has_told_rungs_, true)) return;
  const auto tell = [&](Source rung) {
    row(label_of(rung), rung == end ? found(rung, question_.name) : passed(rung));
    return rung == end;
  };
  using Row = policy::Rung::Row;
  for (const policy::Rung& rung : policy::ladder()) {
    if (rung.source == Source::Rule)
      for (const std::string& rule : rules_) row(rung.label, rule);
    if (rung.source == Source::Rule && end == Source::Rule) return;
    const bool is_row =
        rung.row == Row::Always || (rung.row == Row::WhereGiven && is_given(rung.source));
    if (is_row && tell(rung.source)) return;
  }
  if (!tell(Source::Cache)) tell_way();
}

// Whether there is what the rung answers from.
bool Explanation::is_given(Source rung) const {
  if (rung == Source::Fake) return subject_.shared.fake_addresses != nullptr;
  return subject_.records.table() != nullptr;
}

// Which names are asked for, and why.
void Explanation::tell_way() {
  if (options().no_recursion) {
    row("--no-rec", "nothing is forwarded");
    return;
  }
  const policy::SearchRules& rules = subject_.worker.search();
  const auto names = policy::names_to_try(
      question_, rules, policy::in_stub_zone(subject_.worker.zones(), question_.name));
  std::string text;
  if (names.empty())
    text = "nothing to ask for: fewer dots than --fwd-ndots " + std::to_string(rules.fwd_ndots) +
           (rules.domains.empty() ? "" : ", and no domain to try");
  else if (!options().enable_search)
    text = "off: the name is asked for as it stands";
  else if (rules.domains.empty())
    text = "the list is empty: the name is asked for as it stands";
  else if (names.size() == 1 && names.front() == question_.name)
    text = "not for such a name or type: it is asked for as it stands";
  else
    text = "tries " + first_of(names) + " (ndots " + std::to_string(rules.ndots) + ")";
  row("search", text);
}

void Explanation::on_exchange(const serve::Asker::Exchange& exchange) {
  const double at_ms = elapsed_ms();
  tell_rungs(std::nullopt);
  const dns::Name& name = exchange.question.question.name;
  if (!asked_ || *asked_ != name)
    row(label_of(Source::Upstream),
        servers_of(exchange.question) + ", for " + name.view().to_text());
  asked_ = name;
  row_at(at_ms, exchange_text(exchange));
}

void Explanation::on_tls(const std::string& server, const io::TlsOpened& opened) {
  const auto taken_ms = static_cast<double>(opened.taken.count()) / 1e6;
  std::array<char, 32> time{};
  (void)std::snprintf(time.data(), time.size(), "%.1f ms", taken_ms);
  row_at(elapsed_ms(), server + " is connected: " + opened.version + ", " +
                           (opened.is_resumed ? "resumed" : "full") + " handshake of " +
                           time.data());
}

// What is decided before servers are asked stands among the rungs.
void Explanation::on_rule(const policy::RuleEvent& event) {
  std::string text = rule_text(event);
  if (event.name != question_.name.view()) text += ", for " + event.name.to_text();
  if (event.what == policy::RuleEvent::What::Decides) text += lines_of(event);
  if (!rules_.empty() && rules_.back() == text) return;  // a search begins with the name asked
  rules_.push_back(text);
  if (has_told_rungs_) row(label_of(Source::Rule), text);
}

void Explanation::on_tried(const policy::Tried& tried) {
  const double at_ms = elapsed_ms();
  tell_rungs(std::nullopt);
  const bool is_static = tried.source == Source::Address || tried.source == Source::Hosts ||
                         tried.source == Source::Record || tried.source == Source::Block ||
                         tried.source == Source::Special;
  if (is_static) row(label_of(tried.source), found(tried.source, tried.name));
  if (tried.source == Source::Error) tell_end(at_ms);
  row("result", tried.name.view().to_text() + ": " + outcome_text(tried) +
                    (tried.ends_search ? ", which ends the search" : ""));
  const bool is_no_data = tried.answer.kind() == dns::AnswerKind::NoData;
  if (is_no_data && !tried.ends_search) tell_family("the search ends here");
}

void Explanation::on_guarded(const policy::Guarded& guarded) {
  is_guarded_ = true;
  row("guard", guarded.name.to_text() + " has " + guarded.address.to_text() +
                   ", an address of an inner network, which the default servers have no say in "
                   "(--rebind-guard): NODATA");
}

void Explanation::on_answer(const policy::Reply& reply, dns::BytesView bytes) {
  const double at_ms = elapsed_ms();
  const bool is_transfer = question_.type == dns::Type::AXFR || question_.type == dns::Type::IXFR;
  if (is_transfer) row("refused", "zone transfers are a matter for the zone's own servers");
  const bool is_too_short = reply.source == Source::Special &&
                            policy::special_kind(question_.name) == policy::Special::None;
  // What a rule makes up is no matter of the rung for addresses that were made up.
  const bool is_of_rule = reply.source == Source::Fake && !rules_.empty();
  const Source end = is_of_rule ? Source::Rule : reply.source;
  if (!is_transfer) tell_rungs(is_too_short ? std::nullopt : std::optional(end));
  if (reply.source == Source::Error) tell_end(at_ms);

  const auto message = dns::Message::parse(bytes);
  if (!message) return;
  dns::Answer answer;
  answer.read(*message);
  has_records_ = answer.kind() == dns::AnswerKind::Data;
  const char* const lack = answer.kind() == dns::AnswerKind::NoData ? " without records (NODATA)"
                           : answer.kind() == dns::AnswerKind::Alias
                               ? ", an alias without such records (NODATA)"
                               : "";
  std::array<char, 32> time{};
  (void)std::snprintf(time.data(), time.size(), "%.1f ms", at_ms);
  row("answer",
      to_text(reply.rcode) + lack + ", source=" + to_text(reply.source) + ", after " + time.data());
  message->for_each_record([&](const dns::Record& record) {
    if (record.section != dns::Section::Answer) return;
    row("", message->name_at(record.start).view().to_text() + ' ' + std::to_string(record.ttl) +
                ' ' + to_text(record.type) + ' ' + rdata_text(*message, record));
  });
  if (has_address_sets() && reply.sets != nullptr) row("sets", sets_text(*reply.sets, bytes));
  if (reply.source != Source::Error) tell_reason(*message);  // what is ours has been told
  const bool is_new = reply.source == Source::Upstream || reply.source == Source::Shared;
  if (is_new && !is_guarded_) tell_lifetime(answer);
}

// Why nobody asks any further, where that is not for what a server said. Whether time is up is a
// matter of the loop's clock, which stands still during a turn and so runs behind the real one.
void Explanation::tell_end(double at_ms) {
  if (std::exchange(has_told_end_, true)) return;
  const io::Milliseconds timeout = options().upstream_timeout;
  if (subject_.worker.loop().now() - started_ >= timeout)
    row_at(at_ms, "time is up (--upstream-timeout " + std::to_string(timeout.count()) + ")");
}

// What a server added to its answer (RFC 8914).
void Explanation::tell_reason(const dns::Message& message) {
  const dns::BytesView error = dns::extended_error(message);
  if (error.size() < 2) return;
  const std::string text(error.begin() + 2, error.end());
  row("reason", "extended error " + std::to_string(error[0] << 8 | error[1]) +
                    (text.empty() ? "" : ' ' + in_quotes(text)));
}

// How long a server with these options would keep the answer, and to whom it would give another.
void Explanation::tell_lifetime(const dns::Answer& answer) {
  const bool is_failure = answer.kind() == dns::AnswerKind::Failure;
  const auto time =
      policy::time_to_keep(answer, {options().cache_ttl, options().cache_negative_ttl}).count();
  if (is_failure) row("kept", "1 s, as a failure");
  if (!is_failure && options().cache_capacity > 0)
    row("kept", time > 0 ? std::to_string(time) + " s by a dnslet that runs"
                         : "not at all: a TTL of 0, or nothing that says how long");
  const std::string stale = stale_text(options(), answer);
  if (!is_failure && options().cache_capacity > 0 && time > 0 && !stale.empty())
    row("stale", stale);
  if (answer.kind() == dns::AnswerKind::NxDomain) tell_family("NODATA");
}

// What comes of it for clients that ask for both address families, as most do.
void Explanation::tell_family(const std::string& what) {
  const auto other = policy::other_family(question_.type);
  if (other && options().family_fix)
    row("note", what + " for clients that ask for " + to_text(*other) + " too, if there is any");
}

// Why the question goes on to the next rung.
std::string Explanation::passed(Source rung) const {
  const bool is_of_hosts = dns::is_address_type(question_.type) || question_.type == dns::Type::PTR;
  const std::string none = is_of_hosts ? "no entry for it" : "holds A, AAAA and PTR records only";
  switch (rung) {
    case Source::Record:
      return "no such record of it";
    case Source::Address:
      return options().addresses.empty() ? "none given" : none;
    case Source::Hosts:
      if (options().hosts_files.empty()) return "no file given";
      return none + " (files: " + std::to_string(subject_.hosts.files()) + ")";
    case Source::Fake:
      return "not the name of an address in its networks";
    case Source::Block:
      return options().block.empty() && options().blocklists.empty() ? "none given" : unblocked();
    case Source::Filter:
      return options().filter == policy::Filter::None ? "off" : "for another type";
    case Source::Cache:
      return options().cache_capacity == 0 ? "off" : "empty, as this process has just begun";
    default:
      return special_text(question_.name);
  }
}

// What the rung has for the name.
std::string Explanation::found(Source rung, dns::NameView name) const {
  switch (rung) {
    case Source::Record:
      return records_of(name);
    case Source::Address:
    case Source::Hosts:
      return entries(rung, name);
    case Source::Fake:
      return "the name of an address in its networks";
    case Source::Block: {
      const auto domain = policy::find_closest(subject_.shared.blocked, name);
      return domain ? "covers it: " + dns::NameView(subject_.shared.blocked.key(*domain)).to_text()
                    : (name == question_.name.view() ? listed_ : listed(name));
    }
    case Source::Filter:
      return "no records of this type are given out";
    default:
      return special_text(name);
  }
}

// The line of each list that the rule names and that takes the name.
std::string Explanation::lines_of(const policy::RuleEvent& event) const {
  std::string text;
  for (const policy::Condition& condition : event.rule.conditions) {
    if (condition.about != policy::Condition::About::List || condition.is_negated) continue;
    for (const policy::ListNumber list : condition.lists)
      if (const auto place = subject_.lists.find(list, event.name))
        text +=
            std::string(kIndent) + "list " + options().lists[list].name + ": " + place_text(*place);
  }
  return text;
}

// The line of a list that takes the name, and for one that nothing blocks what spares it.
std::string Explanation::listed(dns::NameView name) const {
  using Role = config::ListFiles::Role;
  auto places = subject_.lists.find(name);
  const auto place_of = [&](const config::ListFiles::Kind& kind) {
    const auto& place = places[kind];
    return place ? place_text(*place) : std::string();
  };
  const std::string important = place_of({.is_important = true});
  const std::string line = important.empty() ? place_of({}) : important;
  if (line.empty()) return "";
  std::string text = "a list takes it: " + line;
  const auto lists = subject_.lists.lists();
  if (lists && lists->block(name)) return text;

  std::string spared = place_of({.is_exception = true, .is_important = true});
  if (spared.empty() && important.empty()) spared = place_of({.is_exception = true});
  if (spared.empty()) spared = place_of({.role = Role::Allowed});
  if (spared.empty()) spared = place_of({.role = Role::Allowed, .is_important = true});
  return text + kIndent + "but it is spared: " + spared;
}

// Why nothing blocks the name.
std::string Explanation::unblocked() const {
  if (options().blocklists.empty()) return "does not cover it";
  return listed_.empty() ? "does not cover it, nor does a list" : listed_;
}

// The owner that has the name, and the types of its records.
std::string Explanation::records_of(dns::NameView name) const {
  const policy::Records& records = *subject_.records.table();
  const auto owner = records.find(name);
  if (!owner) return "it is the reverse name of an address";
  std::set<std::string> types;
  for (const policy::StaticRecord& record : records.of(*owner)) types.insert(to_text(record.type));
  std::string text = (records.is_wildcard(*owner) ? "*." : "") + records.name_of(*owner).to_text();
  for (const std::string& type : types) text += (type == *types.begin() ? " has " : ", ") + type;
  return text;
}

// The entries for a name, or the one that names an address, and where they stand.
std::string Explanation::entries(Source rung, dns::NameView name) const {
  const policy::HostsTable& table =
      rung == Source::Address ? subject_.shared.addresses : *subject_.hosts.table();
  const auto address =
      question_.type == dns::Type::PTR ? dns::address_of_reverse(name) : std::nullopt;
  auto owner = address ? std::nullopt : table.find(name);
  if (!owner && !address) owner = table.find_any();
  std::string text;
  std::size_t count = 0;
  table.for_each_entry([&](const policy::HostsEntry& entry) {
    const bool is_meant = address ? entry.address == *address && !entry.is_wildcard && count == 0
                                  : owner && entry.is_wildcard == table.is_wildcard(*owner) &&
                                        entry.name == table.name_of(*owner);
    if (!is_meant || ++count > kMaxListed) return;
    if (count > 1) text += kIndent;
    const bool is_any = entry.is_wildcard && entry.name.is_root();
    text += entry.address.to_text() + ' ' +
            (is_any ? "*" : (entry.is_wildcard ? "*." : "") + entry.name.to_text());
    if (rung == Source::Hosts)
      text += " (" + escaped(subject_.hosts.path_of(entry.source)) + ", line " +
              std::to_string(entry.line) + ")";
  });
  if (count > kMaxListed) text += kIndent + std::to_string(count - kMaxListed) + " more";
  return text;
}

std::string Explanation::servers_of(const policy::UpstreamQuestion& question) const {
  const dns::NameView name = question.question.name;
  const serve::Worker& worker = subject_.worker;
  std::string whose;
  if (io::has_resolved())
    whose = worker.whose(policy::servers_of(worker.zones(), question.route, name));
  return way_of(question) + (whose.empty() ? "" : ", those of " + whose);
}

std::string Explanation::way_of(const policy::UpstreamQuestion& question) const {
  if (question.route.servers != policy::kDefaultServers) return "those of the rule";
  const dns::NameView name = question.question.name;
  if (const auto zone = subject_.shared.zones.find_zone(name))
    return "stub zone " + zone->to_text() + " (the closest)";
  const std::string servers =
      options().nameservers.empty() ? escaped(options().resolv_conf) : "--nameservers";
  return options().stub_zones.empty() ? servers : servers + " (in no stub zone)";
}

void Explanation::row(const std::string& label, const std::string& text) {
  (void)std::fprintf(out_, "%-11s %s\n", label.c_str(), text.c_str());
  (void)std::fflush(out_);
}

void Explanation::row_at(double at_ms, const std::string& text) {
  (void)std::fprintf(out_, "%8.1f ms %s\n", at_ms, text.c_str());
  (void)std::fflush(out_);
}

double Explanation::elapsed_ms() const {
  return static_cast<double>(uv_hrtime() - started_ns_) / 1e6;
}

}  // namespace dnslet::report
