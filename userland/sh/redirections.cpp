#include "userland/sh/redirections.h"

#include "userland/lib/number.h"
#include "userland/rt/child.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/sh/characters.h"

namespace halfcell::userland::sh {
namespace {

using abi::OpenFlags;

// A text of at most this size fits into a pipe that nobody reads yet.
constexpr std::size_t kPipeCapacity = 65536;

std::uint64_t open_flags(Redirection::Kind kind) {
    switch (kind) {
        case Redirection::Kind::kInput:
            return OpenFlags::kRdonly;
        case Redirection::Kind::kAppend:
            return OpenFlags::kWronly | OpenFlags::kCreat | OpenFlags::kAppend;
        case Redirection::Kind::kReadWrite:
            return OpenFlags::kRdwr | OpenFlags::kCreat;
        default:
            return OpenFlags::kWronly | OpenFlags::kCreat | OpenFlags::kTrunc;
    }
}

std::string sentence(Errno error) {
    const char* const text = abi::errno_text(error);
    return text != nullptr ? text : "Unknown error";
}

}  // namespace

bool Redirections::fail(std::string message) {
    error_ = std::move(message);
    return false;
}

bool Redirections::apply(const std::vector<Redirection>& redirections, Expander& expander, bool no_clobber,
                         Keep keep) {
    for (const Redirection& redirection : redirections) {
        if (!apply_one(redirection, expander, no_clobber, keep)) return false;
    }
    return true;
}

bool Redirections::apply_one(const Redirection& redirection, Expander& expander, bool no_clobber, Keep keep) {
    if (redirection.kind == Redirection::Kind::kHereDocument) return document(redirection, expander, keep);
    std::string text;
    if (!expander.text(redirection.target, text)) return fail(expander.error());
    if (redirection.kind == Redirection::Kind::kDuplicate) {
        return duplicate(text, Fd{static_cast<std::uint64_t>(redirection.descriptor)}, keep);
    }
    return open(redirection, text, no_clobber, keep);
}

bool Redirections::open(const Redirection& redirection, const std::string& path, bool no_clobber, Keep keep) {
    std::uint64_t flags = open_flags(redirection.kind);
    if (redirection.kind == Redirection::Kind::kOutput && no_clobber) {
        // Only files are protected: terminals and the like have nothing to lose.
        const Result<abi::Stat> stat = stat_file(path);
        if (stat && is_regular(*stat)) return fail("cannot create " + path + ": File exists");
        if (!stat) flags |= OpenFlags::kExcl;
    }
    Result<UniqueFd> file = open_file(path, flags | OpenFlags::kCloexec);
    if (!file) {
        const bool creates = (flags & OpenFlags::kCreat) != 0;
        const bool lost = file.error() == Errno::kENOENT;
        return fail((creates ? "cannot create " : "cannot open ") + path + ": " +
                    (lost ? (creates ? "Directory nonexistent" : "No such file") : sentence(file.error())));
    }
    return place(std::move(*file), Fd{static_cast<std::uint64_t>(redirection.descriptor)}, keep);
}

bool Redirections::duplicate(const std::string& text, Fd target, Keep keep) {
    if (text == "-") {
        save(target, keep);
        (void)sys_close(target);
        return true;
    }
    const auto number = parse_unsigned(text);
    if (!is_number(text) || !number) return fail("Bad fd number: " + text);
    const Fd source{*number};
    if (source == target) {
        if (!sys_fcntl(source, abi::FcntlCommand::kGetfd, 0)) return fail(text + ": Bad file descriptor");
        return true;
    }
    const Result<std::uint64_t> copy = sys_fcntl(source, abi::FcntlCommand::kDupfdCloexec, 0);
    if (!copy) return fail(text + ": " + sentence(copy.error()));
    return place(UniqueFd(Fd{*copy}), target, keep);
}

bool Redirections::document(const Redirection& redirection, Expander& expander, Keep keep) {
    std::string text;
    if (!expander.text(redirection.document->body, text)) return fail(expander.error());
    Result<Pipe> pipe = make_pipe();
    if (!pipe) return fail("cannot make a pipe: " + sentence(pipe.error()));
    if (text.size() <= kPipeCapacity) {
        (void)write_all(pipe->writer.fd(), text);
    } else {
        // Somebody has to write while the command reads.
        const Result<std::uint32_t> child = fork_process();
        if (!child) return fail("cannot fork: " + sentence(child.error()));
        if (*child == 0) {
            pipe->reader.reset();
            (void)write_all(pipe->writer.fd(), text);
            exit_now(0);
        }
    }
    return place(std::move(pipe->reader), Fd{static_cast<std::uint64_t>(redirection.descriptor)}, keep);
}

// The source is closed; what was behind the target is saved.
bool Redirections::place(UniqueFd source, Fd target, Keep keep) {
    if (source.fd() == target) {
        // It was free, so there is nothing to save but that.
        if (keep == Keep::kUndo) saved_.push_back({target, UniqueFd()});
        (void)sys_fcntl(source.release(), abi::FcntlCommand::kSetfd, 0);
        return true;
    }
    save(target, keep);
    const Result<Fd> placed = sys_dup2(source.fd(), target);
    return placed ? true : fail(decimal(word(target)) + ": " + sentence(placed.error()));
}

void Redirections::save(Fd target, Keep keep) {
    if (keep == Keep::kForGood) return;
    // The upper table is out of the way of any number a script may use.
    const Result<std::uint64_t> copy =
        sys_fcntl(target, abi::FcntlCommand::kDupfdCloexec, abi::Limits::kUpperFdtblTag);
    saved_.push_back({target, copy ? UniqueFd(Fd{*copy}) : UniqueFd()});
}

void Redirections::undo() {
    while (!saved_.empty()) {
        Saved& last = saved_.back();
        if (last.copy.fd() == Fd::kNone) {
            (void)sys_close(last.target);
        } else {
            (void)sys_dup2(last.copy.fd(), last.target);
        }
        saved_.pop_back();
    }
}

}  // namespace halfcell::userland::sh
