// Several volumes as one tree.

#include "schemes/memfs/guest_tree.h"
#include "tests/unit/schemes/file/file_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using file::Mount;

namespace {

std::shared_ptr<memfs::MemVolume> memory(std::uint64_t first_inode) {
    return std::make_shared<memfs::MemVolume>(memfs::MemVolumeOptions{
        .limit = kMemLimit, .writes = file::Writes::kAllowed, .first_inode = first_inode});
}

// Root in memory with /data (host) and /data/inner (memory) in it.
struct Nested {
    OnHost host;
    std::shared_ptr<memfs::MemVolume> root = memory(1);
    std::shared_ptr<memfs::MemVolume> inner = memory(1000);
    std::vector<Mount> mounts{{"", root}, {"data", host.volume()}, {"data/inner", inner}};
    Guest guest{mounts};
    Nested() { guest.caller.uid = guest.caller.gid = 0; }
};

}  // namespace

TEST_CASE("the deepest mount holds a path") {
    const auto a = memory(1), b = memory(1), c = memory(1);
    const file::MountTable table({{"", a}, {"x/y", b}, {"x", c}});
    const auto volume_of = [&](std::string_view path) { return table.find(path).mount->volume; };
    CHECK(volume_of("") == a);
    CHECK(volume_of("xy") == a);
    CHECK(volume_of("x") == c);
    CHECK(volume_of("x/yy") == c);
    CHECK(volume_of("x/y/z") == b);
    CHECK(table.find("x/y/z/w").path == "z/w");
    CHECK(table.find("x/y").path == "");
    CHECK(table.holds_mount("x"));
    CHECK(table.holds_mount("x/y"));
    CHECK_FALSE(table.holds_mount("x/y/z"));
    CHECK(table.inside("").size() == 1);
}

TEST_CASE("mounts are one tree") {
    Nested t;
    t.guest.make_file("f", "root");
    t.guest.make_file("data/f", "host");
    t.guest.make_file("data/inner/f", "inner");
    CHECK(t.guest.list("").at("data") == abi::DirentKind::kDirectory);
    CHECK(t.guest.list("data").at("inner") == abi::DirentKind::kDirectory);
    CHECK(t.guest.content("data/inner/../f") == "host");
    const auto number = t.guest.open("data/inner", OpenFlags::kStat).value();
    CHECK(t.guest.path(number) == "/scheme/file/data/inner");
    CHECK(t.guest.read(t.guest.open_at(number, "../../f", OpenFlags::kRdonly).value()) == "root");
}

TEST_CASE("links cross mounts in both directions") {
    Nested t;
    t.guest.make_file("f", "root");
    t.guest.make_file("data/f", "host");
    t.guest.make_file("data/inner/f", "inner");
    t.guest.make_link("down", "data/inner/f");
    t.guest.make_link("data/inner/up", "../f");
    t.guest.make_link("data/inner/top", "/f");
    t.guest.make_link("data/way", "inner");
    CHECK(t.guest.content("down") == "inner");
    CHECK(t.guest.content("data/inner/up") == "host");
    CHECK(t.guest.content("data/inner/top") == "root");
    CHECK(t.guest.content("data/way/up") == "host");
}

TEST_CASE("names do not move between mounts, and mount points stay") {
    Nested t;
    t.guest.make_file("f", "root");
    t.guest.make_file("data/f", "host");
    CHECK(error_of(t.guest.rename("f", "data/g")) == Errno::kEXDEV);
    CHECK(error_of(t.guest.link("f", "data/g")) == Errno::kEXDEV);
    CHECK(error_of(t.guest.rename("data/f", "data/inner/g")) == Errno::kEXDEV);
    CHECK(error_of(t.guest.rename("data", "elsewhere")) == Errno::kEBUSY);
    CHECK(error_of(t.guest.rename("f", "data/inner")) == Errno::kEBUSY);
    CHECK(error_of(t.guest.link("f", "data/inner")) == Errno::kEEXIST);
    CHECK(error_of(t.guest.unlink("data", abi::AtFlags::kRemovedir)) == Errno::kEBUSY);
    CHECK(error_of(t.guest.unlink("data/inner", abi::AtFlags::kRemovedir)) == Errno::kEBUSY);
    CHECK(t.guest.open_error("data", OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kDirectory) ==
          Errno::kEEXIST);
}

TEST_CASE("a guest tree in memory has what programs expect") {
    constexpr std::string_view kProgram = "\177ELF";
    const TemporaryDirectory host;
    memfs::GuestTree tree;
    tree.programs = {{"bin/ls", std::as_bytes(std::span(kProgram))}};
    tree.binds = {{host.path(), "/mnt/deep/data", file::Writes::kRefused}};
    std::string culprit;
    auto mounts = memfs::mount_guest_tree(tree, culprit);
    REQUIRE(mounts.has_value());
    Guest guest(*mounts);
    CHECK(guest.content("bin/ls") == kProgram);
    CHECK(guest.content("usr/bin/ls") == kProgram);
    CHECK(guest.stat("bin/ls").st_mode == (abi::Mode::kFile | 0755));
    CHECK(guest.content("etc/passwd").starts_with("root;0;0;"));
    CHECK(guest.content("etc/hostname") == "halfcell");
    CHECK(guest.stat("tmp").st_mode == (abi::Mode::kDir | 01777));
    CHECK(guest.open_error("dev/null", OpenFlags::kRdonly) == Errno::kEXDEV);
    CHECK(guest.read(guest.open("dev/urandom", OpenFlags::kRdonly | OpenFlags::kSymlink).value()) ==
          "/scheme/rand");
    CHECK(guest.read(guest.open("etc/localtime", OpenFlags::kRdonly | OpenFlags::kSymlink).value()) ==
          "/usr/share/zoneinfo/UTC");
    CHECK(guest.content("etc/localtime").size() == 114);  // as the host's tzdata has it
    CHECK(guest.stat("home/user").st_uid == 1000);
    CHECK(guest.list("mnt/deep").contains("data"));
    CHECK(guest.open_error("mnt/deep/data/x", OpenFlags::kCreat | OpenFlags::kRdwr) == Errno::kEROFS);
    // A program can be replaced; its bytes are copied then.
    guest.caller.uid = guest.caller.gid = 0;
    CHECK(guest.write(guest.open("bin/ls", OpenFlags::kWronly).value(), "#", 1) == 1);
    CHECK(guest.content("bin/ls") == "\177#LF");
    CHECK(kProgram == "\177ELF");
}

TEST_CASE("binds below directories that the host root lacks") {
    const TemporaryDirectory root;
    const TemporaryDirectory data;
    REQUIRE(mkdir((root.path() + "/there").c_str(), 0755) == 0);
    memfs::GuestTree tree;
    tree.host_root = root.path();
    tree.binds = {{data.path(), "/a/b/c/data", file::Writes::kAllowed},
                  {data.path(), "/a/other/data", file::Writes::kAllowed},
                  {data.path(), "/there/data", file::Writes::kAllowed},
                  {data.path(), "/there/x/y", file::Writes::kAllowed}};
    std::string culprit;
    auto mounts = memfs::mount_guest_tree(tree, culprit);
    REQUIRE(mounts.has_value());
    Guest guest(*mounts);
    guest.caller.uid = guest.caller.gid = 0;
    CHECK(guest.list("").contains("a"));
    CHECK(guest.list("a").size() == 2);
    CHECK(guest.list("a/b").contains("c"));
    CHECK(guest.list("a/b/c").contains("data"));
    CHECK(guest.list("there").size() == 2);
    CHECK(guest.list("there/x").contains("y"));
    guest.make_file("a/b/c/data/f", "text");
    CHECK(guest.content("there/data/f") == "text");
    CHECK(guest.stat("there/x/y/f").st_ino == guest.stat("a/other/data/f").st_ino);
    CHECK(guest.open_error("a/new", OpenFlags::kCreat | OpenFlags::kRdwr) == Errno::kEROFS);
    // The host root was not touched.
    CHECK_FALSE(std::filesystem::exists(root.path() + "/a"));
}

TEST_CASE("a root of the host has devices, its own or ours") {
    const TemporaryDirectory root;
    memfs::GuestTree tree;
    tree.host_root = root.path();
    std::string culprit;
    {
        Guest guest(memfs::mount_guest_tree(tree, culprit).value());
        guest.caller.uid = guest.caller.gid = 0;
        CHECK(guest.open_error("dev/null", OpenFlags::kRdonly) == Errno::kEXDEV);
        CHECK(guest.read(guest.open("dev/tty", OpenFlags::kRdonly | OpenFlags::kSymlink).value()) ==
              "libc:tty");
        CHECK(guest.list("dev").size() == 8);
        CHECK(guest.list("").empty());
        CHECK(guest.open_error("dev/new", OpenFlags::kCreat | OpenFlags::kRdwr) == Errno::kEROFS);
    }
    REQUIRE(mkdir((root.path() + "/dev").c_str(), 0755) == 0);
    REQUIRE(symlink("/scheme/zero", (root.path() + "/dev/null").c_str()) == 0);
    Guest guest(memfs::mount_guest_tree(tree, culprit).value());
    CHECK(guest.list("dev").size() == 1);
    CHECK(guest.list("").contains("dev"));
}

TEST_CASE("guest trees that cannot be") {
    const TemporaryDirectory root;
    std::string culprit;
    memfs::GuestTree tree;
    tree.host_root = root.path() + "/missing";
    CHECK(error_of(memfs::mount_guest_tree(tree, culprit)) == Errno::kENOENT);
    CHECK(culprit == tree.host_root);
    tree.host_root.clear();
    tree.binds = {{root.path() + "/gone", "/x", file::Writes::kAllowed}};
    CHECK(error_of(memfs::mount_guest_tree(tree, culprit)) == Errno::kENOENT);
    CHECK(culprit == root.path() + "/gone");
    tree.binds = {{root.path(), "/", file::Writes::kAllowed}};
    CHECK(error_of(memfs::mount_guest_tree(tree, culprit)) == Errno::kEINVAL);
    tree.binds = {{root.path(), "relative", file::Writes::kAllowed}};
    CHECK(error_of(memfs::mount_guest_tree(tree, culprit)) == Errno::kEINVAL);
    tree.binds = {{root.path(), "/etc/passwd/x", file::Writes::kAllowed}};
    CHECK(error_of(memfs::mount_guest_tree(tree, culprit)) == Errno::kENOTDIR);
}
