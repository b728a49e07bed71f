#pragma once

// A scheme served by the probe itself, and the calls that another context makes of it.

#include <array>
#include <atomic>

#include "abi/scheme_msg.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"
#include "userland/rt/process.h"

namespace halfcell::userland::conform {

using abi::CqeOpcode;
using abi::Opcode;

inline constexpr uint64_t kRootNumber = 1000;
// Of the last call that was made for a server; kAll until then.
inline std::atomic<uint64_t> answer{kAll};

// A scheme of this program. Requests are made by other contexts, as their maker waits for the answer.
struct Server {
    uint64_t socket;
    uint64_t root;

    explicit Server(uint64_t flags = Open::kNonblock) {
        const uint64_t capability = surroundings() == Surroundings::kBoot
                                        ? kTag | 16
                                        : OK(openat(word(process().name_space),
                                                    "/scheme/namespace/scheme-creation-cap", Open::kRdwr));
        socket = OK(dup(capability, "create-scheme"));
        EXPECT(fcntl(socket, Fcntl::kSetfl, flags), 0);
        root = make_fd(kRootNumber, 0);
    }
    [[nodiscard]] uint64_t make_fd(uint64_t number, uint8_t internal_flags) const {
        abi::NewFdParams params{};
        params.number = number;
        params.flags = Open::kRdwr;
        params.internal_flags = internal_flags;
        return sc(abi::SYS_DUP, socket, &params, sizeof params);
    }
    // The next request, once it is there.
    [[nodiscard]] abi::Sqe next() const {
        abi::Sqe sqe{};
        for (int i = 0; i < 4000; ++i) {
            const uint64_t size = read(socket, &sqe, sizeof sqe);
            if (size == sizeof sqe) return sqe;
            EXPECT(size, Errno::kEAGAIN);
            pause();
        }
        fail("no request comes");
    }
    [[nodiscard]] abi::Sqe next(Opcode opcode) const {
        const abi::Sqe sqe = next();
        EXPECT(sqe.opcode, static_cast<uint64_t>(opcode));
        return sqe;
    }
    uint64_t complete(CqeOpcode opcode, uint32_t tag, Answer result, uint8_t extra = 0) const {
        abi::Cqe cqe{};
        cqe.flags = static_cast<uint8_t>(opcode);
        cqe.tag = tag;
        cqe.result = result.raw;
        cqe.extra_raw[0] = extra;
        return write(socket, &cqe, sizeof cqe);
    }
    void respond(const abi::Sqe& sqe, Answer result, uint8_t extra = 0) const {
        EXPECT(complete(CqeOpcode::kRespondRegular, sqe.tag, result, extra), sizeof(abi::Cqe));
    }
};

// A call made by another context: what it answers, once the server has seen it.
struct Request {
    uint64_t number;
    std::array<uint64_t, 5> words;
};
inline Request request;
inline void make_request(uint64_t) {
    const auto& w = request.words;
    answer = sc(request.number, w[0], w[1], w[2], w[3], w[4]);
}
template <typename... Words>
Context ask(uint64_t number, Words... words) {
    request = {number, {as_word(words)...}};
    answer = kAll;
    return Context::started(make_request);
}
inline void expect_answer(const Context& context, Answer wanted) {
    context.wait_for_end();
    EXPECT(answer.load(), wanted);
}

// Makes a request and returns what the server reads of it, after answering it with `result`.
template <typename... Words>
abi::Sqe exchange(const Server& server, Answer result, uint64_t number, Words... words) {
    const Context context = ask(number, words...);
    const abi::Sqe sqe = server.next();
    server.respond(sqe, result);
    expect_answer(context, result);
    return sqe;
}
inline void expect_sqe(const abi::Sqe& sqe, Opcode opcode, std::array<uint64_t, 3> first) {
    EXPECT(sqe.opcode, static_cast<uint64_t>(opcode));
    EXPECT(sqe.sqe_flags, 0);
    for (std::size_t i = 0; i < first.size(); ++i)
        EXPECT(sqe.args[i], first[i]);
}

}  // namespace halfcell::userland::conform
