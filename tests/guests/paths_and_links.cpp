// Tests file operations by path: making, linking, renaming, reading back and removing, in the working
// directory.

#include <string>

#include "tests/guests/expect.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland {
namespace {

void write_file(std::string_view path, std::string_view text) {
    const Result<UniqueFd> file = open_file(path, abi::OpenFlags::kWronly | abi::OpenFlags::kCreat |
                                                      abi::OpenFlags::kTrunc | abi::OpenFlags::kCloexec);
    expect(file && write_all(file->fd(), text), path);
}

std::string contents(std::string_view path) {
    std::string text;
    const Result<UniqueFd> file = open_file(path, abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
    if (!file || !read_rest(file->fd(), text)) return "(unreadable)";
    return text;
}

}  // namespace

int main_program(std::span<const std::string_view>) {
    expect(static_cast<bool>(make_directory("guest.d", 0755)), "make_directory");
    expect_error(make_directory("guest.d", 0755), Errno::kEEXIST, "make_directory of an existing one");
    write_file("guest.d/a", "first\n");
    expect(contents("guest.d/a") == "first\n", "contents");
    expect(contents("./guest.d/../guest.d//a") == "first\n", "contents by a winding path");
    expect_error(open_file("guest.d/none/../a", abi::OpenFlags::kRdonly), Errno::kENOENT,
                 "step back from nothing");
    expect_error(open_file("", abi::OpenFlags::kRdonly), Errno::kENOENT, "empty path");
    expect_error(open_file("guest.d/a/b", abi::OpenFlags::kRdonly), Errno::kENOTDIR, "file as directory");

    expect(static_cast<bool>(make_symbolic_link("a", "guest.d/link")), "make_symbolic_link");
    expect(contents("guest.d/link") == "first\n", "contents through a link");
    const Result<std::string> target = read_symbolic_link("guest.d/link");
    expect(target && *target == "a", "read_symbolic_link");
    const Result<abi::Stat> link = stat_file("guest.d/link", FollowLinks::kNo);
    expect(link && is_symbolic_link(*link), "stat of a link");
    const Result<abi::Stat> through = stat_file("guest.d/link");
    expect(through && is_regular(*through) && through->st_size == 6, "stat through a link");

    expect(static_cast<bool>(make_symbolic_link("/scheme/null", "guest.d/null")), "link to another scheme");
    expect(contents("guest.d/null").empty(), "reading a link to another scheme");

    expect(static_cast<bool>(make_hard_link("guest.d/a", "guest.d/b")), "make_hard_link");
    const Result<abi::Stat> linked = stat_file("guest.d/b");
    expect(linked && linked->st_nlink == 2, "links of a file with two names");
    expect(static_cast<bool>(rename_file("guest.d/b", "guest.d/c")), "rename_file");
    expect_error(stat_file("guest.d/b"), Errno::kENOENT, "stat of the old name");
    expect_error(remove_directory("guest.d"), Errno::kENOTEMPTY, "remove_directory of a full one");
    expect_error(remove_file("guest.d"), Errno::kEISDIR, "remove_file of a directory");

    const Result<std::vector<DirectoryEntry>> entries = read_directory_sorted("guest.d");
    expect(entries && entries->size() == 4 && (*entries)[0].name == "a", "read_directory");
    for (const std::string_view name : {"a", "c", "link", "null"}) {
        expect(static_cast<bool>(remove_file(concat("guest.d/", name))), name);
    }
    expect(static_cast<bool>(remove_directory("guest.d")), "remove_directory");
    return verdict();
}

}  // namespace halfcell::userland
