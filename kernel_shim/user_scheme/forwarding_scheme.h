#pragma once

// A scheme that a program serves: every operation becomes a request to its server, and the server's answer a
// result. Only mapping is left to those who know the server's memory. Source: kernel:src/scheme/user.rs
// UserScheme.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "kernel_shim/scheme/scheme.h"
#include "kernel_shim/user_scheme/buffers.h"
#include "kernel_shim/user_scheme/request_channel.h"

namespace halfcell::user_scheme {

class ForwardingScheme : public scheme::Scheme, public std::enable_shared_from_this<ForwardingScheme> {
  public:
    // The server's end of the queue.
    [[nodiscard]] RequestChannel& channel() { return channel_; }
    // SendFevent: tells whoever registered interest in a handle.
    void announce(HandleNumber number, std::uint64_t flags) { trigger(number, flags); }

    [[nodiscard]] bool in_process() const override { return false; }

    // All of these block until the server answers. Besides what it answers: ENODEV (it has gone), EINTR
    // (interrupted, and it agreed; or killed), EIO (an answer that does not fit), EAGAIN (too many requests),
    // and the errors of its Buffers.
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> write_at(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                   std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> fsize(const scheme::Caller& caller, HandleNumber number) override;
    Result<std::uint64_t> fcntl(const scheme::Caller& caller, HandleNumber number, std::uint64_t command,
                                std::uint64_t argument) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<void> fstatvfs(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<void> fsync(const scheme::Caller& caller, HandleNumber number) override;
    Result<void> ftruncate(const scheme::Caller& caller, HandleNumber number, std::uint64_t size) override;
    Result<void> fchmod(const scheme::Caller& caller, HandleNumber number, std::uint16_t mode) override;
    Result<void> fchown(const scheme::Caller& caller, HandleNumber number, std::uint32_t uid,
                        std::uint32_t gid) override;
    Result<std::uint64_t> futimens(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& times) override;
    Result<void> flink(const scheme::Caller& caller, HandleNumber number, std::string_view path) override;
    Result<void> frename(const scheme::Caller& caller, HandleNumber number, std::string_view path) override;
    Result<void> unlinkat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                          std::uint64_t flags) override;
    Result<std::uint64_t> getdents(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                   std::uint16_t header_size, std::uint64_t opaque_id) override;
    Result<std::uint64_t> call(const scheme::Caller& caller, HandleNumber number,
                               const mem::UserInOut& payload, std::uint64_t flags,
                               std::span<const std::uint64_t> metadata) override;
    Result<std::uint64_t> std_fs_call(const scheme::Caller& caller, HandleNumber number,
                                      const mem::UserInOut& payload, const abi::StdFsCallMeta& call,
                                      scheme::DetachWish& detach) override;
    Result<std::uint64_t> fd_write(const scheme::Caller& caller, HandleNumber number,
                                   std::vector<scheme::DescriptionRef>&& descriptions, std::uint64_t flags,
                                   std::uint64_t argument, std::span<const std::uint64_t> metadata) override;
    Result<std::vector<scheme::DescriptionRef>> fd_read(const scheme::Caller& caller, HandleNumber number,
                                                        std::uint64_t room, std::uint64_t flags,
                                                        std::span<const std::uint64_t> metadata) override;

    // Messages without an answer; these do not block.
    Result<void> close(HandleNumber number) override;
    Result<void> detach(HandleNumber number, std::uint32_t pid) override;
    void unregistered() override;

  protected:
    explicit ForwardingScheme(std::unique_ptr<Buffers> buffers) : buffers_(std::move(buffers)) {}

    // What a mapping of a handle belongs to: tells the server of every piece that goes.
    std::shared_ptr<mem::GrantOwner> grant_owner(const scheme::Caller& mapper,
                                                 const scheme::DescriptionRef& description);
    // A read or write whose caller is answered late.
    Result<std::uint64_t> transfer_late(const scheme::Caller& caller, abi::Opcode opcode, HandleNumber number,
                                        Loan&& loan, std::uint64_t offset, scheme::TransferFlags flags,
                                        scheme::LateOffer& offer);
    // The answer to a request to map a handle.
    Result<Answer> prepare_map(const scheme::Caller& caller, HandleNumber number, const abi::Map& map);

  private:
    class FileGrant;

    // The ids of a caller in one word. Source: kernel:src/scheme/user.rs uid_gid_hack_merge.
    static std::uint64_t credentials(std::uint32_t uid, std::uint32_t gid) {
        return uid | std::uint64_t{gid} << 32;
    }
    // A request whose answer is a number; `args` are those before the credentials.
    Result<std::uint64_t> ask(const scheme::Caller& caller, abi::Opcode opcode,
                              const std::array<std::uint64_t, 5>& args);
    Result<std::uint64_t> ask(const scheme::Caller& caller, abi::Opcode opcode,
                              const std::array<std::uint64_t, 5>& args, Loan& loan);
    // The same about a path (args[1], args[2]).
    Result<std::uint64_t> ask_about(const scheme::Caller& caller, abi::Opcode opcode, HandleNumber number,
                                    std::string_view path, std::uint64_t flags);
    Result<Answer> exchange(const scheme::Caller& caller, const Message& message, Loan& loan);
    Result<scheme::OpenResult> opened(Answer answer);
    // How much of a buffer the server has filled when it answers: a size, or all of it.
    enum class Filled : std::uint8_t { kAnswer, kAll };
    Result<std::uint64_t> fill(const scheme::Caller& caller, abi::Opcode opcode, HandleNumber number,
                               const mem::UserOut& to, std::uint64_t argument3, std::uint64_t argument4,
                               Filled filled);

    // The loans that a channel may still hold belong to the buffers.
    const std::unique_ptr<Buffers> buffers_;
    RequestChannel channel_;
};

}  // namespace halfcell::user_scheme
