// Tests that a forked child has its own memory, descriptors and identity, and that its end reaches its
// parent.

#include <array>

#include "tests/guests/check.h"
#include "userland/rt/child.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr int kChildren = 30;

std::uint32_t fork_or_fail() {
    return need(fork_process(), "fork");
}

ChildNews wait_for(std::uint32_t pid) {
    return need(wait_for_child(pid, 0), "wait");
}

void test_status() {
    const std::uint32_t child = fork_or_fail();
    if (child == 0) exit_now(42);
    const ChildNews news = wait_for(child);
    check(news.pid == child && news.status == 0x2A00, "the status of a child that exits with 42");
    const Result<ChildNews> none = wait_for_child(0, 0);
    check(!none && none.error() == Errno::kECHILD, "ECHILD without children");
}

void test_identity() {
    const abi::ProcMeta parent = need(process_identity(), "identity");
    const std::uint32_t child = fork_or_fail();
    if (child == 0) {
        const abi::ProcMeta own = need(process_identity(), "identity of the child");
        exit_now(own.ppid == parent.pid && own.pid != parent.pid && own.pgid == parent.pgid ? 0 : 1);
    }
    check(wait_for(child).status == 0, "the child's parent and group");
}

void test_memory() {
    constexpr std::size_t kSize = 1024 * 1024;
    auto* const memory = new unsigned char[kSize];
    for (std::size_t i = 0; i < kSize; ++i)
        memory[i] = static_cast<unsigned char>(i * 7);
    double real = 1.5;
    const std::uint32_t child = fork_or_fail();
    if (child == 0) {
        for (std::size_t i = 0; i < kSize; ++i) {
            if (memory[i] != static_cast<unsigned char>(i * 7)) exit_now(1);
            memory[i] = 0;
        }
        real *= 2;
        exit_now(real == 3.0 ? 0 : 2);
    }
    check(wait_for(child).status == 0, "the child's copy of the memory");
    for (std::size_t i = 0; i < kSize; ++i)
        check(memory[i] == static_cast<unsigned char>(i * 7), "the parent's memory after the child wrote");
    check(real == 1.5, "the parent's own variable");
    delete[] memory;
}

void test_descriptors() {
    Pipe pipe = need(make_pipe(), "pipe");
    const std::uint32_t child = fork_or_fail();
    if (child == 0) {
        pipe.reader.reset();
        exit_now(write_all(pipe.writer.fd(), "from the child") ? 0 : 1);
    }
    pipe.writer.reset();
    std::string text;
    need(read_rest(pipe.reader.fd(), text), "read from the child");
    check(text == "from the child", "what the child wrote");
    check(wait_for(child).status == 0, "the writer's status");
}

void test_shared_offset() {
    const UniqueFd file =
        need(open_file("/shared_offset", abi::OpenFlags::kRdwr | abi::OpenFlags::kCreat), "create");
    const std::uint32_t child = fork_or_fail();
    if (child == 0) exit_now(write_all(file.fd(), "child ") ? 0 : 1);
    check(wait_for(child).status == 0, "the child's write");
    need(write_all(file.fd(), "parent"), "the parent's write");
    need(sys_lseek(file.fd(), 0, abi::SeekWhence::kSet), "seek");
    std::string text;
    need(read_rest(file.fd(), text), "read back");
    check(text == "child parent", "one offset for both");
}

void test_many() {
    std::array<std::uint32_t, kChildren> children{};
    for (int i = 0; i < kChildren; ++i) {
        children[static_cast<std::size_t>(i)] = fork_or_fail();
        if (children[static_cast<std::size_t>(i)] == 0) exit_now(i);
    }
    int sum = 0;
    for (int i = 0; i < kChildren; ++i) {
        const ChildNews news = wait_for(0);
        for (int j = 0; j < kChildren; ++j) {
            if (children[static_cast<std::size_t>(j)] != news.pid) continue;
            check(news.status == j << 8, "each child's own status");
            ++sum;
        }
    }
    check(sum == kChildren, "every child waited for once");
}

void test_grandchild() {
    const std::uint32_t child = fork_or_fail();
    if (child == 0) {
        const Result<std::uint32_t> grandchild = fork_process();
        if (!grandchild) exit_now(1);
        if (*grandchild == 0) exit_now(7);
        const Result<ChildNews> news = wait_for_child(*grandchild, 0);
        exit_now(news && news->status == 7 << 8 ? 0 : 2);
    }
    check(wait_for(child).status == 0, "a child's child");
}

}  // namespace

int main_program(std::span<const std::string_view>) {
    test_status();
    test_identity();
    test_memory();
    test_descriptors();
    test_shared_offset();
    test_many();
    test_grandchild();
    return passed();
}

}  // namespace halfcell::userland
