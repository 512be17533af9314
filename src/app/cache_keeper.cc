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

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

Basis basis_of(uint64_t deciding, const std::optional<config::Forwarding>& forwarding,
               const config::RuleFiles::Rules& rules) {
  Basis basis{deciding};
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
        if (!**outcome || !***outcome) return;
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
        read_next(0);
      });
}

void CacheKeeper::warn(const Error& error, const std::string& what) {
  log_.write(io::Level::Warning, "--cache-file (DNSMASQ_CACHE_FILE): " + error.text + what);
}

void CacheKeeper::warn_of_folder() {
  const std::string folder = folder_of(path_);
  if (access(folder.c_str(), W_OK | X_OK) == 0) return;
  log_.write(io::Level::Warning,
             "--cache-file (DNSMASQ_CACHE_FILE): no file can be written in '" + folder +
                 "': " + uv_strerror(-errno) +
                 "; let the user that dnslet runs as write there, or name another folder");
}

// One batch is read while the one before is taken over.
void CacheKeeper::read_next(std::size_t turn) {
  Batch& batch = batches_[turn];
  work_.run(
      [this, &batch](const StopFlag& stop) {
        batch.size = 0;
        const auto block = reader_->next();
        batch.is_last = !block || block->empty() || is_set(stop);
        if (batch.is_last) return;
        dns::BytesView rest = *block;
        const policy::WallTime now = io::wall_clock();
        while (!rest.empty()) {  // ends: with the block, or at what is no entry
          if (batch.size == batch.entries.size()) batch.entries.emplace_back();
          policy::StoredEntry& entry = batch.entries[batch.size];
          if (!read_entry(rest, now, basis_.rules, entry)) return;
          if (entry.left.count() > 0) ++batch.size;
        }
      },
      [this, &batch, turn] {
        const bool is_over = batch.is_last || sources_.cache.clearings() != clearings_;
        if (!is_over) read_next(1 - turn);
        take(batch);
        if (is_over) on_read();
      });
}

void CacheKeeper::take(const Batch& batch) {
  for (std::size_t i = 0; i < batch.size; ++i) {
    const policy::StoredEntry& entry = batch.entries[i];
    // What was made of it may hold no more, or not yet.
    if (sources_.is_own(entry.question.name)) continue;
    const auto most =
        entry.route.has_ttl() ? entry.left : policy::time_to_keep(entry.answer, sources_.ttls);
    sources_.cache.restore(entry.key(), entry.answer, {loop_.now(), std::min(entry.left, most)},
                           clearings_);
  }
  taken_ += batch.size;
}

void CacheKeeper::on_read() {
  is_read_ = true;
  reader_.reset();
  batches_ = {};
  if (taken_ == 0) return;
  log_.write(io::Level::Info,
             io::LogLine("cache file read").with("path", path_).with("answers", taken_));
}

void CacheKeeper::write() {
  if (!is_read_ || work_.is_busy()) return;  // what has not been read yet must not be lost
  walk_ = {};
  const auto writer = std::make_shared<io::BlockWriter>(path_);
  const auto status = std::make_shared<Status>(Done());
  work_.run(
      [this, writer, status, head = sources_.basis().fingerprint](const StopFlag&) {
        if (sources_.fakes) *status = write_fakes(*sources_.fakes, path_of_fakes(path_));
        if (*status) *status = writer->open();
        if (*status) *status = writer->add(bytes_of(head));
      },
      [this, writer, status] {
        use(*status);
        if (*status) write_next(writer);
      });
}

void CacheKeeper::write_next(const Writing& writer) {
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
        if (*status && has_more) write_next(writer);
      });
}

// False: it is the last one.
bool CacheKeeper::fill_block(dns::Bytes& block) {
  const policy::WallTime now = io::wall_clock();
  const uint32_t rules = sources_.basis().rules;
  const auto append = [&](const policy::CacheTable::Entry& entry) {
    (void)append_entry(entry, now, rules, block);
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

Status CacheKeeper::write_all() {
  Status status = sources_.fakes ? write_fakes(*sources_.fakes, path_of_fakes(path_)) : Done{};
  // What has not been read yet must not be lost.
  return status && is_read_ ? write_cache() : status;
}

Status CacheKeeper::write_cache() {
  walk_ = {};
  io::BlockWriter writer(path_);
  Status status = writer.open();
  const uint64_t head = sources_.basis().fingerprint;
  if (status) status = writer.add(bytes_of(head));
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
  last_work_.run([this, status](const StopFlag&) { *status = write_all(); }, {});
  if (!last_work_.end(kPatience)) return false;
  use(*status);
  return true;
}

}  // namespace dnslet::app
