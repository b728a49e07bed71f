// Nothing leads out of a host volume: links, magic links, "..", races.

#include "schemes/file/path_jail.h"

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/unit/schemes/file/file_fixture.h"

using namespace halfcell;
using namespace halfcell::file;
using namespace halfcell::test;

namespace {

constexpr const char* kSecret = "outside";

// outer/secret, and outer/jail as the guest's root.
struct Prison {
    TemporaryDirectory outer;
    std::string inside = outer.path() + "/jail";
    Prison() {
        REQUIRE(mkdir(inside.c_str(), 0755) == 0);
        std::ofstream(outer.path() + "/secret") << kSecret;
    }
    [[nodiscard]] std::string at(const std::string& name) const { return inside + "/" + name; }
    void link(const std::string& target, const std::string& name) const {
        REQUIRE(symlink(target.c_str(), at(name).c_str()) == 0);
    }
    [[nodiscard]] std::shared_ptr<HostVolume> volume() const {
        return HostVolume::create(inside, Writes::kAllowed).value();
    }
};

}  // namespace

TEST_CASE("the test can see the outside without the jail") {
    // The positive control: a plain open through the same links does get out.
    const Prison prison;
    prison.link("../secret", "up");
    std::string text;
    std::ifstream(prison.at("up")) >> text;
    CHECK(text == kSecret);
}

TEST_CASE("links that point out stay in") {
    const Prison prison;
    prison.link("../secret", "up");
    prison.link("../../../../../../../../../../" + prison.outer.path() + "/secret", "far-up");
    prison.link(prison.outer.path() + "/secret", "absolute");
    prison.link(prison.outer.path(), "directory");
    prison.link("/", "root");
    prison.link("/proc/self/root" + prison.outer.path() + "/secret", "magic");
    prison.link("..", "parent");
    Guest guest(prison.volume());
    for (const char* path : {"up", "far-up", "absolute", "directory/secret", "magic", "parent/secret",
                             "root/../secret", "parent/../../secret"}) {
        CAPTURE(path);
        CHECK(guest.open_error(path, OpenFlags::kRdonly) == Errno::kENOENT);
        CHECK(guest.open_error(path, OpenFlags::kRdwr | OpenFlags::kTrunc) == Errno::kENOENT);
    }
    // "/" is the guest's own root.
    CHECK(guest.stat(guest.open("root", OpenFlags::kStat).value()).st_ino == guest.stat(guest.root).st_ino);
    CHECK(guest.stat(guest.open("parent", OpenFlags::kStat).value()).st_ino == guest.stat(guest.root).st_ino);
    CHECK(error_of(guest.unlink("up/../../secret")) == Errno::kENOENT);
    CHECK(error_of(guest.unlink("directory/secret")) == Errno::kENOENT);
    guest.make_file("mine");
    CHECK(error_of(guest.rename("mine", "directory/secret")) == Errno::kENOENT);
    CHECK(error_of(guest.link("mine", "directory/stolen")) == Errno::kENOENT);
    std::string text;
    std::ifstream(prison.outer.path() + "/secret") >> text;
    CHECK(text == kSecret);
}

TEST_CASE("magic links are text") {
    // A jail around /proc/self: its links are the most dangerous there are.
    const auto volume = HostVolume::create("/proc/self", Writes::kRefused).value();
    Guest guest(volume);
    CHECK(guest.read(guest.open("root", OpenFlags::kRdonly | OpenFlags::kSymlink).value()) == "/");
    CHECK(guest.open_error("root/etc/passwd", OpenFlags::kRdonly) == Errno::kENOENT);
    CHECK_FALSE(guest.open("cwd/..", OpenFlags::kStat | OpenFlags::kNofollow).value() == guest.root);
    CHECK_FALSE(guest.open("exe", OpenFlags::kRdonly).has_value());
    CHECK_FALSE(guest.open("fd/0", OpenFlags::kRdonly).has_value());
}

TEST_CASE("openat2's own verdicts") {
    const Prison prison;
    prison.link("../secret", "up");
    const PathJail jail = PathJail::create(prison.inside).value();
    CHECK(error_of(jail.open("up", O_RDONLY)) == Errno::kELOOP);
    CHECK(error_of(jail.open("up/x", O_PATH | O_NOFOLLOW)) == Errno::kELOOP);
    CHECK(jail.open("up", O_PATH | O_NOFOLLOW));
    // Canonical paths have no "..", but if one came it would not get out either.
    CHECK_FALSE(jail.open("../secret", O_RDONLY).has_value());
    CHECK_FALSE(jail.open("/etc/passwd", O_RDONLY).has_value());
    CHECK(error_of(jail.place("up/x")) == Errno::kELOOP);
    CHECK(error_of(jail.place("")) == Errno::kEBUSY);
    const auto found = jail.first_link("up/a/b", PathJail::LastLink::kKeep).value();
    REQUIRE(found.has_value());
    CHECK(found->link == "up");
    CHECK(found->target == "../secret");
    CHECK(found->rest == "a/b");
    CHECK_FALSE(jail.first_link("up", PathJail::LastLink::kKeep).value().has_value());
}

TEST_CASE("a directory that turns into a link under way never leads out") {
    const Prison prison;
    REQUIRE(mkdir(prison.at("real").c_str(), 0755) == 0);
    std::ofstream(prison.at("real/secret")) << "inside";
    prison.link("..", "trap");
    std::atomic<bool> stop{false};
    std::atomic<int> flips{0};
    // "flip" is by turns the directory and the link to outside.
    std::thread flipper([&] {
        while (!stop) {
            rename(prison.at("real").c_str(), prison.at("flip").c_str());
            rename(prison.at("flip").c_str(), prison.at("real").c_str());
            rename(prison.at("trap").c_str(), prison.at("flip").c_str());
            rename(prison.at("flip").c_str(), prison.at("trap").c_str());
            ++flips;
        }
    });
    Guest guest(prison.volume());
    int opened = 0;
    for (int i = 0; i < 3000 || flips < 100; ++i) {
        const auto number = guest.open("flip/secret", OpenFlags::kRdonly);
        if (!number) continue;
        ++opened;
        CHECK(guest.read(*number) == "inside");
        REQUIRE(guest.scheme->close(*number));
    }
    stop = true;
    flipper.join();
    MESSAGE("opened ", opened, " times during ", flips.load(), " flips");
}

TEST_CASE("special files of the host are seen but not opened") {
    const Prison prison;
    REQUIRE(mkfifo(prison.at("fifo").c_str(), 0666) == 0);
    Guest guest(prison.volume());
    CHECK((guest.stat("fifo").st_mode & abi::Mode::kType) == abi::Mode::kFifo);
    CHECK(guest.open_error("fifo", OpenFlags::kRdonly) == Errno::kEACCES);
    CHECK(guest.open_error("fifo", OpenFlags::kRdwr) == Errno::kEACCES);
    CHECK_FALSE(guest.open("fifo", OpenFlags::kWronly).has_value());
}

TEST_CASE("one file can be a whole volume") {
    const Prison prison;
    std::ofstream(prison.at("only")) << "file";
    std::ofstream(prison.at("other")) << "hidden";
    Guest guest(
        {{.path = "",
          .volume = std::make_shared<memfs::MemVolume>(
              memfs::MemVolumeOptions{.limit = kMemLimit, .writes = Writes::kAllowed, .first_inode = 1})},
         {.path = "file", .volume = HostVolume::create(prison.at("only"), Writes::kAllowed).value()}});
    CHECK(guest.content("file") == "file");
    CHECK(guest.open_error("file/x", OpenFlags::kRdonly) == Errno::kENOTDIR);
    CHECK(guest.open_error("file/../other", OpenFlags::kRdonly) == Errno::kENOENT);
    CHECK(guest.list("").at("file") == abi::DirentKind::kRegular);
    CHECK(error_of(guest.unlink("file")) == Errno::kEBUSY);
    REQUIRE(guest.write(guest.open("file", OpenFlags::kWronly | OpenFlags::kTrunc).value(), "new") == 3);
    CHECK(guest.content("file") == "new");
}

TEST_CASE("a host directory that is not there") {
    CHECK(error_of(HostVolume::create("/no/such/directory", Writes::kAllowed)) == Errno::kENOENT);
}
