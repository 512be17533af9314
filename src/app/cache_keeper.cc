// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/cache_keeper.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "app/fake_file.h"
#include "dns/hash.h"
#include "io/files.h"
#include "policy/storing.h"

namespace dnslet::app {
namespace {

// What one turn of the loop has to do with a block takes some 100 us.
constexpr std::size_t kEntriesPerBlock = 128;
constexpr std::size_t kBytesPerBlock = std::size_t{1} << 16;
static_assert(kBytesPerBlock + dns::kMaxMessage + 512 < io::kMaxBlock);

dns::BytesView bytes_of(const uint64_t& number) {
  return {reinterpret_cast<const uint8_t*>(&number), sizeof number};
}

}  // namespace

Basis basis_of(uint64_t deciding, const std::optional<config::Forwarding>& forwarding,
               const config::RuleFiles::Rules& rules) {
  // The form of entries; another number with each change of theirs.
  constexpr uint64_t kForm = uint64_t{1} << 32 | sizeof(policy::Route);
  Basis basis{dns::hash(bytes_of(kForm), deciding)};
  if (forwarding) {
    basis.fingerprint += forwarding->search.ndots;
    for (const ServerAddress& server : forwarding->servers)
      basis.fingerprint = dns::hash(server.to_text(), basis.fingerprint);
    for (const dns::Name& domain : forwarding->search.domains)
      basis.fingerprint = dns::hash(domain.view().wire(), basis.fingerprint);
  }
  if (!rules) return basis;
  basis.rules = rules->generation();
  for (policy::RuleNumber i = 0; i < rules->size(); ++i)
    basis.fingerprint = dns::hash((*rules)[i].text, basis.fingerprint);
  return basis;
}

CacheKeeper::CacheKeeper(io::Loop& loop, io::Log& log, std::string path, Sources sources)
    : loop_(loop),
      log_(log),
      path_(std::move(path)),
      sources_(std::move(sources)),
      timer_(loop, [this] { write(); }),
      work_(loop),
      last_work_(loop) {}

void CacheKeeper::start() {
  if (path_.empty()) return;
  warn_of_folder();
  if (sources_.fakes)
    if (const Status read = read_fakes(path_of_fakes(path_), *sources_.fakes); !read)
      warn(read.error(), "; names get other addresses of --fake-ip");
  timer_.start_every(kPeriod);
  reader_ = std::make_unique<io::BlockReader>(path_);
  clearings_ = sources_.cache.clearings();
  basis_ = sources_.basis();
  const auto outcome = std::make_shared<std::optional<Result<bool>>>();
  const auto is_ours = std::make_shared<bool>(false);
  work_.run(
      [this, outcome, is_ours](const StopFlag& stop) {
        *outcome = reader_->open(stop);
        has_nothing_to_read_ = **outcome && !***outcome;
        if (!**outcome || has_nothing_to_read_) return;
        const auto head = reader_->next();
        *is_ours = head && dns::same_bytes(*head, bytes_of(basis_.fingerprint));
      },
      [this, outcome, is_ours] {
        const Result<bool>& opened = **outcome;
        if (!opened)
          warn(opened.error(), "; the cache begins empty");
        else if (*opened && !*is_ours)
          log_.write(io::Level::Info,
                     io::LogLine("cache file is of other options, left aside").with("path", path_));
        if (!*is_ours) return on_read();
        read_next();
      });
}

void CacheKeeper::warn(const Error& error, const std::string& what) {
  log_.write(io::Level::Warning, "--cache-file (DNSMASQ_CACHE_FILE): " + error.text + what);
}

void CacheKeeper::warn_of_folder() {
  const std::string folder = io::folder_of(io::behind_links(path_));
  if (access(folder.c_str(), W_OK | X_OK) == 0) return;
  log_.write(io::Level::Warning,
             "--cache-file (DNSMASQ_CACHE_FILE): no file can be written in '" + folder +
                 "': " + uv_strerror(-errno) +
                 "; let the user that dnslet runs as write there, or name another folder");
}

void CacheKeeper::read_next() {
  work_.run(
      [this](const StopFlag& stop) {
        batch_.size = 0;
        const auto block = reader_->next();
        batch_.is_last = !block || block->empty() || is_set(stop);
        if (batch_.is_last) return;
        dns::BytesView rest = *block;
        const policy::WallTime now = io::wall_clock();
        while (!rest.empty()) {  // ends: with the block, or at what is no entry
          if (batch_.size == batch_.entries.size()) batch_.entries.emplace_back();
          policy::StoredEntry& entry = batch_.entries[batch_.size];
          if (!read_entry(rest, now, basis_.rules, entry)) return;
          if (entry.left.count() > 0) ++batch_.size;
        }
      },
      [this] {
        take();
        if (batch_.is_last || sources_.cache.clearings() != clearings_) return on_read();
        read_next();
      });
}

void CacheKeeper::take() {
  for (std::size_t i = 0; i < batch_.size; ++i) {
    const policy::StoredEntry& entry = batch_.entries[i];
    if (!sources_.may_restore(entry)) continue;
    const auto most =
        entry.route.has_ttl() ? entry.left : policy::time_to_keep(entry.answer, sources_.ttls);
    sources_.cache.restore(entry.key(), entry.answer, {loop_.now(), std::min(entry.left, most)},
                           clearings_);
    ++taken_;
  }
}

void CacheKeeper::on_read() {
  is_read_ = true;
  reader_.reset();
  batch_ = {};
  write_if_overtaken();
  if (taken_ == 0) return;
  log_.write(io::Level::Info,
             io::LogLine("cache file read").with("path", path_).with("answers", taken_));
}

// What decides stays the same as long as the cache is not cleared, but for other nameservers in
// resolv.conf, which leave what those before have said for as long as it lives.
void CacheKeeper::begin_walk() {
  walk_ = {};
  basis_ = sources_.basis();
  clearings_ = sources_.cache.clearings();
}

void CacheKeeper::write() {
  // What has not been read yet must not be lost.
  if (is_read_ && !work_.is_busy()) begin_to_write();
}

void CacheKeeper::write_again() {
  if (path_.empty()) return;
  is_overtaken_ = work_.is_busy();
  write();
}

void CacheKeeper::write_if_overtaken() {
  if (std::exchange(is_overtaken_, false)) begin_to_write();
}

void CacheKeeper::begin_to_write() {
  begin_walk();
  const auto writer = std::make_shared<io::BlockWriter>(path_);
  const auto status = std::make_shared<Status>(Done());
  const auto of_fakes = std::make_shared<Status>(Done());
  work_.run(
      [this, writer, status, of_fakes](const StopFlag&) {
        *of_fakes = write_names();
        *status = writer->open();
        if (*status) *status = writer->add(bytes_of(basis_.fingerprint));
      },
      [this, writer, status, of_fakes] {
        use(*of_fakes);
        use(*status);
        if (*status) write_next(writer);
      });
}

void CacheKeeper::write_next(const Writing& writer) {
  // A reload: what comes now is of another kind, and will be written the next time.
  if (is_overtaken_ || sources_.cache.clearings() != clearings_)
    return work_.run([writer](const StopFlag&) { writer->drop(); },
                     [this] { write_if_overtaken(); });
  const auto block = std::make_shared<dns::Bytes>();
  const bool has_more = fill_block(*block);
  const auto status = std::make_shared<Status>(Done());
  work_.run(
      [writer, block, has_more, status](const StopFlag&) {
        if (!block->empty()) *status = writer->add(*block);
        if (*status && !has_more) *status = writer->finish();
      },
      [this, writer, has_more, status] {
        use(*status);
        if (*status && has_more) return write_next(writer);
        write_if_overtaken();
      });
}

// False: it is the last one.
bool CacheKeeper::fill_block(dns::Bytes& block) {
  const policy::WallTime now = io::wall_clock();
  const auto append = [&](const policy::CacheTable::Entry& entry) {
    (void)append_entry(entry, now, basis_.rules, block);
  };
  constexpr std::size_t kAtOnce = 16;
  for (std::size_t i = 0; i < kEntriesPerBlock && block.size() < kBytesPerBlock; i += kAtOnce)
    if (!sources_.cache.walk(walk_, kAtOnce, loop_.now(), append)) return false;
  return true;
}

void CacheKeeper::use(const Status& status) {
  if (!status)
    log_.write_limited(io::Level::Warning, "cache file",
                       "--cache-file (DNSMASQ_CACHE_FILE): " + status.error().text, loop_.now());
}

Status CacheKeeper::write_names() {
  return sources_.fakes ? write_fakes(*sources_.fakes, path_of_fakes(path_)) : Done{};
}

Status CacheKeeper::write_cache() {
  begin_walk();
  io::BlockWriter writer(path_);
  Status status = writer.open();
  if (status) status = writer.add(bytes_of(basis_.fingerprint));
  dns::Bytes block;
  for (bool has_more = true; status && has_more;) {
    block.clear();
    has_more = fill_block(block);
    if (!block.empty()) status = writer.add(block);
  }
  return status ? writer.finish() : status;
}

bool CacheKeeper::stop() {
  constexpr io::Milliseconds kPatience{4500};  // twice; container engines wait for 10 s
  if (path_.empty()) return true;
  timer_.stop();
  if (!work_.end(kPatience)) return false;
  const auto status = std::make_shared<Status>(Done());
  const auto of_fakes = std::make_shared<Status>(Done());
  last_work_.run(
      [this, status, of_fakes](const StopFlag&) {
        *of_fakes = write_names();
        // What has not been read yet must not be lost.
        if (is_read_ || has_nothing_to_read_) *status = write_cache();
      },
      {});
  if (!last_work_.end(kPatience)) return false;
  use(*of_fakes);
  use(*status);
  return true;
}

}  // namespace dnslet::app
