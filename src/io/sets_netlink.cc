// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// io/address_sets by netlink alone: libnftnl and libmnl would build the same few attributes.
//
// What is put into a set of nftables is one transaction, all of it or nothing. One that fails is
// done again address by address, so that a set which is full, say, takes what it can.

#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <utility>

#include "io/address_sets.h"
#include "io/netlink.h"

namespace dnslet::io {
namespace {

using std::chrono::milliseconds, std::chrono::seconds, std::chrono::steady_clock;
using Head = NetlinkRequests::Head;

// At once: what the kernel says to so many has room in a socket.
constexpr std::size_t kMostAtOnce = 64;
constexpr seconds kMostOfIpset{2'147'483};  // a time-out of an ipset

// What a set takes.
struct Facts {
  Family family = Family::V4;
  bool has_timeouts = false;
  bool has_intervals = false;
};

// What is to be done about one address, and what has come of it.
struct Task {
  const AddressPut* put;
  milliseconds left{0};  // of its time in the set, by the kernel's own word; 0: it is not there
  int error = 0;
};
using Tasks = std::span<Task>;

uint16_t nft(int message) { return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message); }

uint16_t ipset(int message) { return static_cast<uint16_t>(NFNL_SUBSYS_IPSET << 8 | message); }

// What <linux/netfilter.h> says, which musl's own headers do not go together with.
constexpr uint8_t kUnspecified = 0;
constexpr uint8_t kIpv6 = 10;

uint8_t protocol_of(const AddressSet& set) {
  const auto* const family = std::ranges::find(kNftFamilies, set.family, &NftFamily::word);
  return family == kNftFamilies.end() ? kUnspecified : family->protocol;
}

// The end of a sentence about a set, or a reason in the log.
std::string text_of(int error) {
  switch (error) {
    case ENOENT:
      return "is not there";
    case EPERM:
      return "is not for this process: it needs CAP_NET_ADMIN, in a container with --cap-add "
             "NET_ADMIN, its systemd unit with CapabilityBoundingSet=CAP_NET_ADMIN";
    case ENFILE:
      return "is full";
    case IPSET_ERR_TYPE_SPECIFIC:  // of hashes the one, of bitmaps the other
      return "is full, or has no place for this address";
    case EINVAL:
    case EPROTONOSUPPORT:
      return "is unknown to this kernel";
    default:
      return error < IPSET_ERR_PRIVATE ? std::string("fails: ") + uv_strerror(-error)
                                       : "fails: error " + std::to_string(error) + " of ipset";
  }
}

// Those that do not fit, brought behind those that do.
template <typename Fits>
Tasks others_than(Tasks tasks, Fits fits) {
  const auto others = std::partition(tasks.begin(), tasks.end(), fits);
  return tasks.subspan(static_cast<std::size_t>(others - tasks.begin()));
}

// Another request about elements of a set. Returns the list, to which they are added.
std::size_t begin_elements(NetlinkRequests& requests, const Head& head, const AddressSet& set) {
  requests.begin(head);
  requests.add_text(NFTA_SET_ELEM_LIST_TABLE, set.table);
  requests.add_text(NFTA_SET_ELEM_LIST_SET, set.name);
  return requests.open(NFTA_SET_ELEM_LIST_ELEMENTS);
}

void add_element(NetlinkRequests& requests, const IpAddress& address, uint32_t flags,
                 milliseconds timeout) {
  const std::size_t element = requests.open(NFTA_LIST_ELEM);
  const std::size_t key = requests.open(NFTA_SET_ELEM_KEY);
  requests.add(NFTA_DATA_VALUE, address.data());
  requests.close(key);
  if (flags != 0) requests.add_u32(NFTA_SET_ELEM_FLAGS, flags);
  if (timeout.count() > 0)
    requests.add_u64(NFTA_SET_ELEM_TIMEOUT, static_cast<uint64_t>(timeout.count()));
  requests.close(element);
}

// The address behind it, which a range ends before; nullopt: it is the last one of all.
std::optional<IpAddress> next(IpAddress address) {
  for (std::size_t i = address.size(); i > 0; --i)
    if (++address.bytes[i - 1] != 0) return address;
  return std::nullopt;
}

}  // namespace

class SetWriter::Netlink {
 public:
  // What a set takes; where it can't be told, the end of a sentence about it.
  Result<Facts> find(const AddressSet& set) {
    return set.kind == AddressSet::Kind::Nft ? find_nft(set) : find_ipset(set);
  }

  // Returns the end of a sentence about the set, where not all are in it; else nothing.
  std::string put(const AddressSet& set, Tasks tasks);

 private:
  int ask(const NetlinkRequests& requests, const std::function<void(NetlinkBytes)>& visit);
  Result<Facts> find_nft(const AddressSet& set);
  Result<Facts> find_ipset(const AddressSet& set);
  void look_for(const AddressSet& set, Tasks tasks);
  int commit(std::initializer_list<Head> steps, const Facts& facts, Tasks tasks);
  void add_nft(const AddressSet& set, const Head& add, const Facts& facts, Tasks tasks);
  Tasks add_one_by_one(const AddressSet& set, const Head& add, const Facts& facts, Tasks tasks);
  void write_nft(const AddressSet& set, const Facts& facts, Tasks tasks);
  void write_ipset(const AddressSet& set, const Facts& facts, Tasks tasks);

  NetlinkSocket socket_;
  // Sets that were full, and until when nothing is added to them: what one refuses takes the kernel
  // some 20 ms, in which no other set is written.
  std::map<AddressSet, steady_clock::time_point> full_until_;
};

// Tells the data of all replies. Returns the first status that is none of success, or 0.
int SetWriter::Netlink::ask(const NetlinkRequests& requests,
                            const std::function<void(NetlinkBytes)>& visit) {
  int status = 0;
  const int error = socket_.exchange(requests, [&](const NetlinkReply& reply) {
    if (!reply.status)
      visit(reply.attributes);
    else if (status == 0)
      status = *reply.status;
  });
  return error != 0 ? error : status;
}

Result<Facts> SetWriter::Netlink::find_nft(const AddressSet& set) {
  constexpr uint64_t kIpv4Address = 7, kIpv6Address = 8;  // as nft numbers types
  constexpr uint64_t kFixed = NFT_SET_CONSTANT | NFT_SET_MAP | NFT_SET_OBJECT;
  NetlinkRequests requests;
  requests.begin({nft(NFT_MSG_GETSET), NLM_F_ACK, protocol_of(set)});
  requests.add_text(NFTA_SET_TABLE, set.table);
  requests.add_text(NFTA_SET_NAME, set.name);
  uint64_t type = 0, flags = 0;
  const int error = ask(requests, [&](NetlinkBytes attributes) {
    type = number_in(attributes, NFTA_SET_KEY_TYPE);
    flags = number_in(attributes, NFTA_SET_FLAGS);
  });
  if (error != 0) return Error{text_of(error)};
  if (type != kIpv4Address && type != kIpv6Address)
    return Error{"is no set of single addresses: its type has to be ipv4_addr or ipv6_addr"};
  if ((flags & kFixed) != 0) return Error{"is a map, or constant: it takes no addresses"};
  return Facts{type == kIpv4Address ? Family::V4 : Family::V6, (flags & NFT_SET_TIMEOUT) != 0,
               (flags & NFT_SET_INTERVAL) != 0};
}

Result<Facts> SetWriter::Netlink::find_ipset(const AddressSet& set) {
  constexpr std::array<std::string_view, 3> kTypes = {"hash:ip", "hash:net", "bitmap:ip"};
  NetlinkRequests requests;
  requests.begin({ipset(IPSET_CMD_LIST), NLM_F_ACK | NLM_F_DUMP, kUnspecified});
  requests.add_u8(IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL_MIN);
  requests.add_text(IPSET_ATTR_SETNAME, set.name);
  requests.add_u32(IPSET_ATTR_FLAGS | NLA_F_NET_BYTEORDER, IPSET_FLAG_LIST_HEADER);
  std::string type;
  Facts facts;
  const int error = ask(requests, [&](NetlinkBytes attributes) {
    const auto text = find_attribute(attributes, IPSET_ATTR_TYPENAME);
    const auto header = find_attribute(attributes, IPSET_ATTR_DATA);
    if (!text || !header) return;
    type.assign(text->begin(), std::ranges::find(*text, 0));
    const bool is_ipv6 = number_in(attributes, IPSET_ATTR_FAMILY) == kIpv6;
    facts.family = is_ipv6 ? Family::V6 : Family::V4;
    facts.has_timeouts = find_attribute(*header, IPSET_ATTR_TIMEOUT).has_value();
  });
  if (error != 0) return Error{text_of(error)};
  if (std::ranges::find(kTypes, type) == kTypes.end())
    return Error{
        "is no set of single addresses: its type has to be hash:ip, hash:net or "
        "bitmap:ip"};
  return facts;
}

// How long they are there. A range that an address is in is as good as the address.
void SetWriter::Netlink::look_for(const AddressSet& set, Tasks tasks) {
  NetlinkRequests requests;
  for (const Task& task : tasks) {
    const std::size_t list =
        begin_elements(requests, {nft(NFT_MSG_GETSETELEM), NLM_F_ACK, protocol_of(set)}, set);
    add_element(requests, task.put->address, 0, seconds(0));
    requests.close(list);
  }
  (void)socket_.exchange(requests, [&](const NetlinkReply& reply) {
    const auto list = find_attribute(reply.attributes, NFTA_SET_ELEM_LIST_ELEMENTS);
    const auto element = list ? find_attribute(*list, NFTA_LIST_ELEM) : std::nullopt;
    if (!element || reply.request >= tasks.size()) return;
    // What has no end stays.
    const bool has_end = find_attribute(*element, NFTA_SET_ELEM_EXPIRATION).has_value();
    tasks[reply.request].left =
        has_end ? milliseconds(number_in(*element, NFTA_SET_ELEM_EXPIRATION)) : milliseconds::max();
  });
}

namespace {

// A step of a transaction, with all of the addresses.
void add_step(NetlinkRequests& requests, const Head& head, const Facts& facts, Tasks tasks) {
  const std::size_t list = begin_elements(requests, head, *tasks.front().put->set);
  const bool has_time = facts.has_timeouts && head.type == nft(NFT_MSG_NEWSETELEM);
  for (const Task& task : tasks) {
    const seconds time = has_time ? task.put->lifetime : seconds(0);
    add_element(requests, task.put->address, 0, time);
    const auto end = facts.has_intervals ? next(task.put->address) : std::nullopt;
    if (end) add_element(requests, *end, NFT_SET_ELEM_INTERVAL_END, seconds(0));
  }
  requests.close(list);
}

}  // namespace

// One transaction, of one step after the other.
int SetWriter::Netlink::commit(std::initializer_list<Head> steps, const Facts& facts, Tasks tasks) {
  NetlinkRequests requests;
  requests.begin({NFNL_MSG_BATCH_BEGIN, 0, kUnspecified, NFNL_SUBSYS_NFTABLES});
  for (const Head& step : steps) add_step(requests, step, facts, tasks);
  requests.begin({NFNL_MSG_BATCH_END, 0, kUnspecified, NFNL_SUBSYS_NFTABLES});
  return ask(requests, [](NetlinkBytes) {});
}

// All at once, else one by one. To a full set nothing is added: what is not there stays out.
void SetWriter::Netlink::add_nft(const AddressSet& set, const Head& add, const Facts& facts,
                                 Tasks tasks) {
  std::erase_if(full_until_, [](const auto& full) { return full.second < steady_clock::now(); });
  if (!tasks.empty() && !full_until_.contains(set)) {
    tasks.front().error = commit({add}, facts, tasks);
    if (tasks.front().error == 0) return;
    tasks = add_one_by_one(set, add, facts, tasks);
  }
  if (tasks.empty()) return;
  look_for(set, tasks);
  for (Task& task : tasks)
    if (task.left == seconds(0)) task.error = ENFILE;
}

// Returns those that are left where the set is full. REQUIRES: all at once have failed; a single
// one has that error.
Tasks SetWriter::Netlink::add_one_by_one(const AddressSet& set, const Head& add, const Facts& facts,
                                         Tasks tasks) {
  constexpr seconds kFull{1};
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    Task& task = tasks[i];
    if (tasks.size() > 1) task.error = commit({add}, facts, {&task, 1});
    if (task.error == ENFILE) {
      full_until_[set] = steady_clock::now() + kFull;
      return tasks.subspan(i + 1);
    }
    const bool is_in_range = task.error == EEXIST || task.error == ENOTEMPTY;
    if (!is_in_range) continue;
    task.error = 0;
    task.left = milliseconds::max();  // as long as that, which is somebody else's
  }
  return {};
}

// Before Linux 6.12 an element that is there keeps its time when it is added, and so is replaced.
// Nobody sees what is between: a transaction takes effect as a whole.
void SetWriter::Netlink::write_nft(const AddressSet& set, const Facts& facts, Tasks tasks) {
  constexpr seconds kSince{1};  // it was added
  const Head add{nft(NFT_MSG_NEWSETELEM), NLM_F_CREATE | NLM_F_ACK, protocol_of(set)};
  const Head remove{nft(NFT_MSG_DELSETELEM), NLM_F_ACK, protocol_of(set)};
  if (facts.has_timeouts || facts.has_intervals) look_for(set, tasks);
  const Tasks missing =
      others_than(tasks, [](const Task& one) { return one.left >= one.put->lifetime; });
  add_nft(set, add, facts, missing);
  const Tasks shorter = others_than(missing, [](const Task& one) {
    return one.left == seconds(0) || one.left >= one.put->lifetime || one.error != 0;
  });
  if (!shorter.empty()) look_for(set, shorter);
  for (Task& task : shorter)
    if (task.left < task.put->lifetime - kSince)
      task.error = commit({remove, add}, facts, {&task, 1});
}

void SetWriter::Netlink::write_ipset(const AddressSet& set, const Facts& facts, Tasks tasks) {
  NetlinkRequests requests;
  for (const Task& task : tasks) {
    const bool is_ipv4 = facts.family == Family::V4;
    requests.begin({ipset(IPSET_CMD_ADD), NLM_F_ACK, kUnspecified});
    requests.add_u8(IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL_MIN);
    requests.add_text(IPSET_ATTR_SETNAME, set.name);
    const std::size_t data = requests.open(IPSET_ATTR_DATA);
    const std::size_t address = requests.open(IPSET_ATTR_IP);
    requests.add(NLA_F_NET_BYTEORDER | (is_ipv4 ? IPSET_ATTR_IPADDR_IPV4 : IPSET_ATTR_IPADDR_IPV6),
                 task.put->address.data());
    requests.close(address);
    const auto time = std::min(task.put->lifetime, kMostOfIpset).count();
    if (facts.has_timeouts)
      requests.add_u32(NLA_F_NET_BYTEORDER | IPSET_ATTR_TIMEOUT, static_cast<uint32_t>(time));
    requests.close(data);
  }
  const int error = socket_.exchange(requests, [&](const NetlinkReply& reply) {
    if (reply.status && reply.request < tasks.size()) tasks[reply.request].error = *reply.status;
  });
  if (error != 0)
    for (Task& task : tasks) task.error = error;
}

// The set is looked at each time: it may have gone, or be another one by now.
std::string SetWriter::Netlink::put(const AddressSet& set, Tasks tasks) {
  const auto facts = find(set);
  if (!facts) {
    for (Task& task : tasks) task.error = ENOENT;
    return facts.error().text;
  }
  const Tasks others =
      others_than(tasks, [&](const Task& one) { return one.put->address.family == facts->family; });
  const Tasks fitting = tasks.first(tasks.size() - others.size());
  if (fitting.empty()) return {};
  if (set.kind == AddressSet::Kind::Nft)
    write_nft(set, *facts, fitting);
  else
    write_ipset(set, *facts, fitting);
  const auto failed = std::ranges::find_if(fitting, [](const Task& one) { return one.error != 0; });
  return failed == fitting.end() ? "" : text_of(failed->error);
}

SetWriter::SetWriter() : netlink_(std::make_unique<Netlink>()) {}

SetWriter::~SetWriter() = default;

Status SetWriter::check(const AddressSet& set) {
  const auto found = netlink_->find(set);
  if (found) return Done{};
  std::string text = found.error().text;
  if (text == text_of(ENOENT)) text += ": it has to be made before it is named";
  return Error{text};
}

SetWriter::Outcome SetWriter::put(std::span<const AddressPut> puts) {
  std::map<AddressSet, std::vector<Task>> tasks;
  for (const AddressPut& put : puts) tasks[*put.set].push_back({&put});
  Outcome outcome{std::vector<bool>(puts.size()), {}};
  for (auto& [set, of_set] : tasks) {
    for (Tasks left = of_set; !left.empty();) {
      const Tasks some = left.first(std::min(left.size(), kMostAtOnce));
      left = left.subspan(some.size());
      if (const std::string reason = netlink_->put(set, some); !reason.empty())
        outcome.failed.emplace(set.to_text(), reason);
      for (const Task& task : some)
        outcome.done[static_cast<std::size_t>(task.put - puts.data())] = task.error == 0;
    }
  }
  return outcome;
}

}  // namespace dnslet::io
