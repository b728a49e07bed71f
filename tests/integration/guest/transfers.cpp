// transfers KIND COUNT SEED [PATH]: sends so many descriptors over a carrier of one kind (carriers.h) and
// back, in all the ways there are: moved, copied, exclusively, to either half of the table, refused at once
// and in the middle, with processes that end in between. What the kernel holds is the same afterwards. PATH
// is a scheme of boxes; the kind "ram" has a server of its own.

#include <array>
#include <optional>

#include "tests/guests/check.h"
#include "tests/guests/scheme_session.h"
#include "tests/integration/guest/holdings.h"
#include "tests/integration/guest/traffic.h"
#include "tests/integration/server/box_call.h"
#include "userland/lib/number.h"

namespace halfcell::userland {
namespace {

std::uint64_t boxes_of(std::string_view path) {
    if (path.empty()) return 0;
    const UniqueFd box =
        need(open_file(concat(path, "/count"), abi::OpenFlags::kRdwr | abi::OpenFlags::kCreat), "box");
    const std::array<std::uint64_t, 3> words{static_cast<std::uint64_t>(server::BoxCall::kCount)};
    return need(sys_call(box.fd(), {}, 0, words), "count");
}

// What a server has been told to close may be closed by the time of the next but one request.
std::uint64_t boxes_at_last(std::string_view path, std::uint64_t expected) {
    std::uint64_t boxes = boxes_of(path);
    for (int i = 0; i < 100 && boxes != expected; ++i)
        boxes = boxes_of(path);
    return boxes;
}

// In a process of its own, so that nothing of it is left in ours.
void run_traffic(std::string_view kind, std::string_view path, std::uint64_t count, std::uint32_t seed) {
    const Pipe told = need(make_pipe(), "pipe");
    const auto child = start_child([&] {
        Traffic traffic(kind, path, seed);
        while (traffic.moved() < count)
            traffic.round();
        const std::array<std::uint64_t, 2> numbers{traffic.moved(), traffic.refused()};
        return sys_write(told.writer.fd(), std::as_bytes(std::span(numbers))) ? 0 : 1;
    });
    check(need(status_of(need(child, "fork")), "wait") == 0, "how the traffic ends");
    std::array<std::uint64_t, 2> numbers{};
    need(sys_read(told.reader.fd(), std::as_writable_bytes(std::span(numbers))), "numbers");
    out().print(numbers[0], " moved, ", numbers[1], " refused\n");
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    check(arguments.size() == 3 || arguments.size() == 4, "three or four arguments");
    const auto count = parse_unsigned(arguments[1]);
    const auto seed = parse_unsigned(arguments[2]);
    check(count && seed, "numbers");
    const std::string_view kind = arguments[0];
    std::string path(arguments.size() > 3 ? arguments[3] : "");
    std::optional<SchemeSession> ram;
    if (kind == "ram") {
        // A name stays taken when its server has ended.
        const std::string name = concat("ram", need(process_identity(), "identity").pid);
        ram.emplace(need(SchemeSession::start(name), "a server"));
        path = concat("/scheme/", name);
    }
    const auto begin = static_cast<std::uint32_t>(*seed);
    // Whatever is made once is made by now.
    run_traffic(kind, path, 1000, begin);
    const Holdings before = need(settled_holdings(), "sys");
    const std::uint64_t boxes = boxes_of(path);
    run_traffic(kind, path, *count, begin + 1);
    const std::string more = need(await_no_more_than(before), "sys");
    check(more.empty(), concat("more is held than before: ", more));
    const std::uint64_t now = boxes_at_last(path, boxes);
    check(now == boxes, concat(now, " boxes and descriptors in them instead of ", boxes));
    if (ram) ram->stop();
    return passed();
}

}  // namespace halfcell::userland
