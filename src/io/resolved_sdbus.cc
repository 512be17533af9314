// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// io/resolved by sd-bus, which the loop drives: nothing here waits, but start().

#include <net/if.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>

#include "io/files.h"
#include "io/resolved.h"
#include "io/resolved_values.h"
#include "io/sd_bus.h"

namespace dnslet::io {
namespace {

using std::chrono::microseconds;

constexpr Milliseconds kPatience{2000};  // for an answer
constexpr Milliseconds kDebounce{100};   // a change comes as several signals
constexpr Milliseconds kInterval{10000};
constexpr Milliseconds kPoll{500};
constexpr Milliseconds kLongestPause{30000};

constexpr const char* kService = "org.freedesktop.resolve1";
constexpr const char* kManagerPath = "/org/freedesktop/resolve1";
constexpr const char* kManager = "org.freedesktop.resolve1.Manager";
constexpr const char* kLink = "org.freedesktop.resolve1.Link";
constexpr const char* kChanged =
    "type='signal',sender='org.freedesktop.resolve1',path='/org/freedesktop/resolve1',"
    "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'";
constexpr const char* kOwnerChanged =
    "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
    "member='NameOwnerChanged',arg0='org.freedesktop.resolve1'";

// The clock of sd_bus_get_timeout(3).
microseconds monotonic_clock() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::floor<microseconds>(std::chrono::seconds(now.tv_sec) +
                                          std::chrono::nanoseconds(now.tv_nsec));
}

// An index as a part of an object's path: a digit at its start is escaped (sd_bus_path_encode(3)).
std::string path_of(int index) {
  return std::string(kManagerPath) + "/link/_3" + std::to_string(index);
}

std::string name_of(int index) {
  std::array<char, IF_NAMESIZE> name{};
  if (index == 0) return "global";
  if (if_indextoname(static_cast<unsigned>(index), name.data()) != nullptr) return name.data();
  return std::to_string(index);
}

// Why nobody has answered; nullptr: somebody has.
const char* silence(const sd_bus_error& error) {
  const std::string_view name = error.name == nullptr ? "" : error.name;
  if (name == SD_BUS_ERROR_SERVICE_UNKNOWN || name == SD_BUS_ERROR_NAME_HAS_NO_OWNER)
    return "systemd-resolved does not run";
  if (name == SD_BUS_ERROR_NO_REPLY || name == SD_BUS_ERROR_TIMEOUT)
    return "systemd-resolved does not answer";
  return nullptr;
}

std::string sentence(const sd_bus_error& error) {
  if (const char* const reason = silence(error)) return reason;
  const char* const text = error.message ? error.message : error.name;
  return std::string("systemd-resolved refuses: ") + (text ? text : "");
}

}  // namespace

// One look at a time: the manager is asked, then each link, one after the other.
class Resolved::Client {
 public:
  Client(Loop& loop, Log& log, OnLinks on_links)
      : loop_(loop),
        log_(log),
        on_links_(std::move(on_links)),
        bus_timer_(loop, [this] { process(); }),
        look_timer_(loop, [this] { look(); }),
        poll_timer_(loop, [this] {
          if (watch_of_files_.has_changed(stamps())) look_soon();
        }) {}
  ~Client() { disconnect(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Status start();
  Result<ResolvedLinks> wait();

 private:
  using OnAnswer = int (*)(sd_bus_message* answer, void* client, sd_bus_error*);

  // It writes there whenever something has changed, also where it sends no signal: for domains,
  // default routes and TLS.
  static std::vector<FileStamp> stamps() {
    return stamps_of({"/run/systemd/resolve", "/run/systemd/resolve/netif"});
  }
  bool connect();
  void disconnect();
  void process();
  void arm();
  int step();
  void look();
  void look_in(Milliseconds pause) {
    if (!is_due_soon_) look_timer_.start_once(pause);
  }
  // Nothing puts it off, however many changes there are.
  void look_soon() {
    look_in(kDebounce);
    is_due_soon_ = true;
  }
  bool ask(const std::string& path, const char* interface, OnAnswer on_answer);
  void on_manager(sd_bus_message* answer);
  void on_link(sd_bus_message* answer);
  void ask_next();
  void end_look();
  void fail(const std::string& trouble);

  static Client& self(void* client) { return *static_cast<Client*>(client); }

  Loop& loop_;
  Log& log_;
  OnLinks on_links_;
  SdBus sd_;
  sd_bus* bus_ = nullptr;  // null: not connected
  std::optional<Watch> watch_;
  Timer bus_timer_;
  Timer look_timer_;
  Timer poll_timer_;
  ChangeWatch<std::vector<FileStamp>> watch_of_files_;
  Milliseconds pause_{1000};  // before the next try to connect
  bool is_due_soon_ = false;
  bool is_looking_ = false;
  bool is_to_look_again_ = false;
  bool is_waiting_ = false;
  std::map<int, ResolvedLink> found_;           // by the look under way
  std::map<int, ResolvedLink>::iterator next_;  // in found_: is asked
  std::optional<ResolvedLinks> links_;          // as last found
  std::string trouble_;                         // why the last look failed; empty: it did not
};

bool Resolved::Client::connect() {
  const int status = sd_.open_system(&bus_);
  if (status < 0) {
    bus_ = nullptr;
    fail(std::string("cannot reach the system bus (D-Bus): ") + uv_strerror(status));
    return false;
  }
  const auto on_signal = [](sd_bus_message*, void* client, sd_bus_error*) {
    self(client).look_soon();
    return 0;
  };
  for (const char* const match : {kChanged, kOwnerChanged})
    (void)sd_.add_match_async(bus_, nullptr, match, on_signal, nullptr, this);
  return true;
}

void Resolved::Client::disconnect() {
  watch_.reset();
  bus_timer_.stop();
  is_looking_ = false;
  if (bus_ != nullptr) sd_.close_unref(std::exchange(bus_, nullptr));
}

// Returns what sd_bus_process(3) does; negative: the bus is gone.
int Resolved::Client::step() {
  const int status = sd_.process(bus_, nullptr);
  if (status >= 0) return status;
  disconnect();
  fail(std::string("the system bus (D-Bus) is gone: ") + uv_strerror(status));
  return status;
}

void Resolved::Client::process() {
  int status = 0;
  while ((status = step()) > 0) continue;  // ends: each takes what has come so far
  if (status == 0) arm();
}

void Resolved::Client::arm() {
  if (!watch_) watch_.emplace(loop_, sd_.get_fd(bus_), [this](int) { process(); });
  const int events = std::max(sd_.get_events(bus_), 0);
  watch_->start(((events & POLLIN) != 0 ? UV_READABLE : 0) |
                ((events & POLLOUT) != 0 ? UV_WRITABLE : 0));
  uint64_t when = UINT64_MAX;
  if (sd_.get_timeout(bus_, &when) < 0 || when == UINT64_MAX) return bus_timer_.stop();
  const auto left = microseconds(when) - monotonic_clock();
  bus_timer_.start_once(std::max(std::chrono::ceil<Milliseconds>(left), Milliseconds(0)));
}

// A look that comes while one is under way follows it: what it has found may be old by then.
void Resolved::Client::look() {
  is_due_soon_ = false;
  if (is_looking_) {
    is_to_look_again_ = true;
    return;
  }
  if (bus_ == nullptr && !connect()) return;
  found_.clear();
  watch_of_files_.mark(stamps());
  is_looking_ =
      ask(kManagerPath, kManager, [](sd_bus_message* answer, void* client, sd_bus_error*) {
        self(client).on_manager(answer);
        return 0;
      });
  if (is_looking_) process();
}

bool Resolved::Client::ask(const std::string& path, const char* interface, OnAnswer on_answer) {
  sd_bus_message* call = nullptr;
  int status = sd_.new_method_call(bus_, &call, kService, path.c_str(),
                                   "org.freedesktop.DBus.Properties", "GetAll");
  // It is not for us to start it.
  if (status >= 0) status = sd_.set_auto_start(call, 0);
  if (status >= 0) status = sd_.append(call, "s", interface);
  constexpr auto kMost = std::chrono::duration_cast<microseconds>(kPatience).count();
  if (status >= 0)
    status = sd_.call_async(bus_, nullptr, call, on_answer, this, static_cast<uint64_t>(kMost));
  sd_.unref(call);
  if (status < 0) fail(std::string("cannot ask systemd-resolved: ") + uv_strerror(status));
  return status >= 0;
}

void Resolved::Client::on_manager(sd_bus_message* answer) {
  if (const sd_bus_error* const error = sd_.get_error(answer)) return fail(sentence(*error));
  if (!read_manager(sd_, answer, found_)) return fail("systemd-resolved answers something else");
  std::erase_if(found_, [](const auto& found) { return found.second.servers.empty(); });
  for (auto& [index, link] : found_) {
    link.index = index;
    link.name = name_of(index);
  }
  next_ = found_.begin();
  if (next_ != found_.end() && next_->first == 0) ++next_;  // the manager has told all of it
  ask_next();
}

void Resolved::Client::ask_next() {
  if (next_ == found_.end()) return end_look();
  (void)ask(path_of(next_->first), kLink, [](sd_bus_message* answer, void* client, sd_bus_error*) {
    self(client).on_link(answer);
    return 0;
  });
}

// A link may be gone by now. Nobody's answer says no such thing.
void Resolved::Client::on_link(sd_bus_message* answer) {
  const sd_bus_error* const error = sd_.get_error(answer);
  if (error && silence(*error)) return fail(sentence(*error));
  const bool is_in_use = !error && read_link(sd_, answer, next_->second);
  next_ = is_in_use ? std::next(next_) : found_.erase(next_);
  ask_next();
}

void Resolved::Client::end_look() {
  is_looking_ = false;
  pause_ = Milliseconds(1000);
  look_in(std::exchange(is_to_look_again_, false) ? kDebounce : kInterval);
  if (!std::exchange(trouble_, {}).empty()) log_.write(Level::Info, "systemd-resolved is back");
  ResolvedLinks links;
  for (auto& [index, link] : found_) links.push_back(std::move(link));
  if (links == links_) return;
  links_ = std::move(links);
  if (!is_waiting_) on_links_(*links_);
}

// Once for each trouble: it may last.
void Resolved::Client::fail(const std::string& trouble) {
  is_looking_ = false;
  is_to_look_again_ = false;
  look_in(pause_);
  pause_ = std::min(2 * pause_, kLongestPause);
  if (links_ && trouble != trouble_)
    log_.write(Level::Warning, trouble + "; the servers that it has named stay");
  trouble_ = trouble;
}

Status Resolved::Client::start() {
  const auto sd = load_sd_bus();
  if (!sd) return sd.error();
  sd_ = *sd;
  look();
  poll_timer_.start_every(kPoll);
  if (!trouble_.empty()) return Error{trouble_};
  return Done();
}

// While a system boots its bus may be there before systemd-resolved is on it.
Result<ResolvedLinks> Resolved::Client::wait() {
  const auto deadline = monotonic_clock() + kPatience;
  std::string trouble = "systemd-resolved does not answer";
  is_waiting_ = true;
  while (!links_ && bus_ != nullptr) {
    const auto left = deadline - monotonic_clock();
    if (left <= left.zero()) return Error{trouble};
    const bool has_failed = !trouble_.empty();
    const auto most = has_failed ? std::min<microseconds>(left, kDebounce) : left;
    if (step() == 0) (void)sd_.wait(bus_, static_cast<uint64_t>(most.count()));
    if (!has_failed || bus_ == nullptr) continue;
    trouble = std::exchange(trouble_, {});
    look();
  }
  is_waiting_ = false;
  if (!links_) return Error{trouble_};
  arm();
  return *links_;
}

bool has_resolved() { return true; }

Resolved::Resolved(Loop& loop, Log& log, OnLinks on_links)
    : client_(std::make_unique<Client>(loop, log, std::move(on_links))) {}

Resolved::~Resolved() = default;

Status Resolved::start() { return client_->start(); }

Result<ResolvedLinks> Resolved::wait() { return client_->wait(); }

}  // namespace dnslet::io
