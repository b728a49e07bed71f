#pragma once

// A scheme whose handles hold text, and which remembers how it was asked.

#include <algorithm>
#include <map>
#include <string>

#include "abi/data.h"
#include "tests/support/fake_scheme.h"

namespace halfcell::test {

class TextScheme : public RecordingScheme {
  public:
    struct Asked {
        std::uint64_t number = 0;
        std::uint64_t offset = 0;
        scheme::TransferFlags flags;
        std::uint32_t uid = 0;
        std::uint32_t gid = 0;
        std::uint32_t pid = 0;
        std::string path;
        std::uint64_t open_flags = 0;
        std::uint32_t fcntl_flags = 0;
        std::uint64_t command = 0;
        std::uint64_t argument = 0;
        std::string operation;
    };
    Asked asked;
    int times_asked = 0;
    std::map<std::uint64_t, std::string> texts;

    scheme::OpenResult open_answer = scheme::OpenedHandle{HandleNumber{77}, true};
    std::optional<Errno> refuse;

    [[nodiscard]] std::string_view name() const override { return "text"; }

    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override {
        TRY(ask(caller, base, "openat"));
        asked.path = path;
        asked.open_flags = flags;
        asked.fcntl_flags = fcntl_flags;
        return open_answer;
    }
    Result<void> unlinkat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                          std::uint64_t flags) override {
        TRY(ask(caller, base, "unlinkat"));
        asked.path = path;
        asked.open_flags = flags;
        return {};
    }
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override {
        TRY(ask(caller, number, "dup"));
        asked.path = TRY(name.read_string(100));
        return open_answer;
    }
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override {
        TRY(ask(caller, number, "read"));
        asked.offset = offset;
        asked.flags = flags;
        const std::string& text = texts[number.value()];
        const std::uint64_t from = offset == scheme::kNoOffset ? 0 : offset;
        return to.write_common(std::string_view(text).substr(std::min<std::uint64_t>(from, text.size())));
    }
    Result<std::uint64_t> write_at(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                   std::uint64_t offset, scheme::TransferFlags flags) override {
        TRY(ask(caller, number, "write"));
        asked.offset = offset;
        asked.flags = flags;
        texts[number.value()] = TRY(from.read_string(1000));
        return from.size();
    }
    Result<std::uint64_t> fsize(const scheme::Caller& caller, HandleNumber number) override {
        TRY(ask(caller, number, "fsize"));
        return texts[number.value()].size();
    }
    Result<std::uint64_t> fcntl(const scheme::Caller& caller, HandleNumber number, std::uint64_t command,
                                std::uint64_t argument) override {
        TRY(ask(caller, number, "fcntl"));
        asked.command = command;
        asked.argument = argument;
        return 12345;
    }
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override {
        TRY(ask(caller, number, "fevent"));
        asked.argument = flags;
        return flags & abi::EventFlags::kEventWrite;
    }
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override {
        TRY(ask(caller, number, "fpath"));
        return to.write_common("/scheme/text/" + std::to_string(number.value()));
    }
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override {
        TRY(ask(caller, number, "fstat"));
        if (stat_needs_room) {
            abi::Stat stat{};
            stat.st_dev = 0xdddd;
            stat.st_ino = number.value();
            return to.write_exact(stat);
        }
        return {};
    }
    bool stat_needs_room = true;
    Result<void> fstatvfs(const scheme::Caller& caller, HandleNumber number,
                          const mem::UserOut& to) override {
        TRY(ask(caller, number, "fstatvfs"));
        return to.write_exact(abi::StatVfs{.f_bsize = 4096, .f_blocks = 1, .f_bfree = 2, .f_bavail = 3});
    }
    Result<void> fsync(const scheme::Caller& caller, HandleNumber number) override {
        return ask(caller, number, "fsync");
    }
    Result<void> ftruncate(const scheme::Caller& caller, HandleNumber number, std::uint64_t size) override {
        TRY(ask(caller, number, "ftruncate"));
        asked.argument = size;
        return {};
    }
    Result<void> fchmod(const scheme::Caller& caller, HandleNumber number, std::uint16_t mode) override {
        TRY(ask(caller, number, "fchmod"));
        asked.argument = mode;
        return {};
    }
    Result<void> fchown(const scheme::Caller& caller, HandleNumber number, std::uint32_t uid,
                        std::uint32_t gid) override {
        TRY(ask(caller, number, "fchown"));
        asked.argument = uid;
        asked.command = gid;
        return {};
    }
    Result<std::uint64_t> futimens(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& times) override {
        TRY(ask(caller, number, "futimens"));
        return times.size();
    }
    Result<void> flink(const scheme::Caller& caller, HandleNumber number, std::string_view path) override {
        TRY(ask(caller, number, "flink"));
        asked.path = path;
        return {};
    }
    Result<void> frename(const scheme::Caller& caller, HandleNumber number, std::string_view path) override {
        TRY(ask(caller, number, "frename"));
        asked.path = path;
        return {};
    }
    Result<std::uint64_t> getdents(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                   std::uint16_t header_size, std::uint64_t opaque_id) override {
        TRY(ask(caller, number, "getdents"));
        asked.argument = opaque_id;
        asked.command = header_size;
        return to.size();
    }
    Result<std::uint64_t> fmap(const scheme::Caller& caller, HandleNumber number,
                               const scheme::DescriptionRef& description, mem::AddressSpace&,
                               const abi::Map& map, bool consume) override {
        TRY(ask(caller, number, consume ? "fmap and consume" : "fmap"));
        kept = description;
        asked.argument = map.size;
        return 0x12340000;
    }
    Result<std::uint64_t> call(const scheme::Caller& caller, HandleNumber number,
                               const mem::UserInOut& payload, std::uint64_t flags,
                               std::span<const std::uint64_t> metadata) override {
        TRY(ask(caller, number, "call"));
        asked.argument = flags;
        words.assign(metadata.begin(), metadata.end());
        return payload.size();
    }
    Result<std::uint64_t> fd_write(const scheme::Caller& caller, HandleNumber number,
                                   std::vector<scheme::DescriptionRef>&& descriptions, std::uint64_t flags,
                                   std::uint64_t argument, std::span<const std::uint64_t> metadata) override {
        asked.argument = flags;
        asked.command = argument;
        words.assign(metadata.begin(), metadata.end());
        const Result<void> asked_ok = ask(caller, number, "fd_write");
        if (!asked_ok && !keep_on_failure) descriptions.clear();
        TRY(asked_ok);
        for (scheme::DescriptionRef& description : descriptions)
            queue.push_back(std::move(description));
        return 4711;
    }
    Result<std::vector<scheme::DescriptionRef>> fd_read(const scheme::Caller& caller, HandleNumber number,
                                                        std::uint64_t room, std::uint64_t flags,
                                                        std::span<const std::uint64_t> metadata) override {
        TRY(ask(caller, number, "fd_read"));
        asked.argument = flags;
        words.assign(metadata.begin(), metadata.end());
        const auto end =
            queue.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(room / 8, queue.size()));
        std::vector<scheme::DescriptionRef> taken(queue.begin(), end);
        queue.erase(queue.begin(), end);
        return taken;
    }
    void fd_unread(HandleNumber, std::vector<scheme::DescriptionRef> descriptions,
                   std::span<const std::uint64_t>) override {
        queue.insert(queue.begin(), descriptions.begin(), descriptions.end());
    }
    void unregistered() override {
        queue.clear();
        kept = {};
    }

    scheme::DescriptionRef kept;
    bool keep_on_failure = false;  // a failed fd_write leaves the descriptions with the sender
    std::vector<std::uint64_t> words;
    std::vector<scheme::DescriptionRef> queue;

  private:
    Result<void> ask(const scheme::Caller& caller, HandleNumber number, const char* operation) {
        ++times_asked;
        asked.operation = operation;
        asked.number = number.value();
        asked.uid = caller.uid;
        asked.gid = caller.gid;
        asked.pid = caller.pid;
        if (refuse) return fail(*refuse);
        return {};
    }
};

}  // namespace halfcell::test
