// Attacks by path on files that were not given.

#include "abi/data.h"
#include "abi/flags.h"
#include "abi/number.h"
#include "tests/security/guest/world.h"

namespace halfcell::attack {

namespace {

using Flags = abi::OpenFlags;

constexpr std::string_view kOverwritten = "OVERWRITTEN";

// PATH…: the first bytes of each.
int read_paths() {
    for (int index = 0; index + 2 < world().argument_count; ++index) {
        const std::string_view path = text_argument(index);
        char text[256];
        const Word file = open_path(path);
        say(path);
        if (is_error(file)) {
            say_result("", file);
            continue;
        }
        const Word size = read_file(file, text, sizeof text);
        if (is_error(size)) {
            say_result(" read", size);
        } else {
            say(": ");
            say({text, size});
            say("\n");
        }
        close_file(file);
    }
    return 0;
}

// DIRECTORY PATH…: each opened relative to an open directory. Guests only.
int climb() {
    const std::string_view start = text_argument(0);
    const Word directory = call(abi::SYS_OPENAT, world().name_space, word(start.data()), start.size(),
                                Flags::kRdonly | Flags::kDirectory, 0);
    say_result("directory", directory);
    for (int index = 1; index + 2 < world().argument_count; ++index) {
        const std::string_view path = text_argument(index);
        const Word file = call(abi::SYS_OPENAT, directory, word(path.data()), path.size(), Flags::kRdonly, 0);
        say(path);
        say_result("", file);
        char text[64];
        const Word size = is_error(file) ? 0 : read_file(file, text, sizeof text);
        if (!is_error(size)) say({text, size});
    }
    return 0;
}

// PATH COUNT: opens it again and again while somebody on the host swaps what it leads to; counts what was
// read by its first letter.
int race() {
    const std::string_view path = text_argument(0);
    Word inside = 0, secret = 0, refused = 0;
    for (Word round = number_argument(1); round > 0; --round) {
        const Word file = open_path(path);
        char letter = 0;
        if (!is_error(file)) {
            read_file(file, &letter, 1);
            close_file(file);
        }
        if (letter == 'i') {
            ++inside;
        } else if (letter == 'S') {
            ++secret;
        } else {
            ++refused;
        }
    }
    say_result("inside", inside);
    say_result("secret", secret);
    say_result("refused", refused);
    return 0;
}

// PATH: lets it be written in every way. Guests only.
int overwrite() {
    const std::string_view path = text_argument(0);
    const auto open = [&](Word flags) {
        return call(abi::SYS_OPENAT, world().name_space, word(path.data()), path.size(), flags, 0);
    };
    const auto attempt = [&](Word file) {
        if (is_error(file)) return say_result("open", file);
        say_result("write", write_file(file, kOverwritten.data(), kOverwritten.size()));
        say_result("write2",
                   call(abi::SYS_WRITE2, file, word(kOverwritten.data()), kOverwritten.size(), 0, ~Word{0}));
        say_result("ftruncate", call(abi::SYS_FTRUNCATE, file, 3));
        say_result("fchmod", call(abi::SYS_FCHMOD, file, 0777));
        const abi::TimeSpec times[2] = {{1, 0}, {1, 0}};
        say_result("futimens", call(abi::SYS_FUTIMENS, file, word(times), sizeof times));
        for (const Word sharing : {Word{abi::MapFlags::kMapShared}, Word{abi::MapFlags::kMapPrivate}}) {
            const abi::Map map{.offset = 0,
                               .size = 4096,
                               .flags = abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite | sharing,
                               .address = 0};
            const Word memory = call(abi::SYS_FMAP, file, word(&map), sizeof map);
            say_result("fmap", is_error(memory) ? memory : 0);
            if (!is_error(memory)) *reinterpret_cast<volatile char*>(memory) = 'X';
        }
        close_file(file);
    };
    attempt(open(Flags::kRdwr));
    attempt(open(Flags::kWronly));
    attempt(open(Flags::kRdonly));
    attempt(open(Flags::kRdwr | Flags::kTrunc));
    attempt(open(Flags::kRdonly | Flags::kTrunc));
    attempt(open(Flags::kStat));
    return 0;
}

// DIRECTORY: changes it in every way: makes `new` and `newdir`, removes `old` and `olddir`, renames `moved`.
// Guests only.
int rearrange() {
    char text[512];
    const auto path = [&](std::string_view name) {
        const std::string_view directory = text_argument(0);
        std::size_t size = 0;
        for (const char c : directory)
            text[size++] = c;
        for (const char c : name)
            text[size++] = c;
        return std::string_view(text, size);
    };
    const auto open = [&](std::string_view name, Word flags) {
        const std::string_view full = path(name);
        return call(abi::SYS_OPENAT, world().name_space, word(full.data()), full.size(), flags, 0);
    };
    const auto unlink = [&](std::string_view name, Word flags) {
        const std::string_view full = path(name);
        return call(abi::SYS_UNLINKAT, world().name_space, word(full.data()), full.size(), flags);
    };
    constexpr Word kRemoveDirectory = 0x200;
    say_result("create", open("/new", Flags::kCreat | Flags::kRdwr | 0644));
    say_result("mkdir", open("/newdir", Flags::kCreat | Flags::kDirectory | Flags::kRdonly | 0755));
    const Word link = open("/newlink", Flags::kCreat | Flags::kSymlink | Flags::kWronly | 0777);
    say_result("symlink", link);
    if (!is_error(link)) say_result("target", write_file(link, "/etc/passwd", 11));
    say_result("unlink", unlink("/old", 0));
    say_result("rmdir", unlink("/olddir", kRemoveDirectory));
    const Word moved = open("/moved", Flags::kRdonly);
    const std::string_view elsewhere = path("/elsewhere");
    say_result("frename", call(abi::SYS_FRENAME, moved, word(elsewhere.data()), elsewhere.size()));
    return 0;
}

// FROM TO: gives FROM a second name in another place, or moves it there, and writes to what is there then.
int carry(Word number) {
    const std::string_view to = text_argument(1);
    const Word file = open_path(text_argument(0));
    say_result("open", file);
    say_result("carry", call(number, file, word(to.data()), to.size()));
    const Word written = open_path(to, true);
    say_result("open there", written);
    if (!is_error(written))
        say_result("write", write_file(written, kOverwritten.data(), kOverwritten.size()));
    return 0;
}
int carry_link() {
    return carry(abi::SYS_FLINK);
}
int carry_rename() {
    return carry(abi::SYS_FRENAME);
}

constexpr Attack kAttacks[] = {
    {"read-paths", read_paths},     {"climb", climb},         {"race", race},
    {"overwrite", overwrite},       {"rearrange", rearrange}, {"carry-link", carry_link},
    {"carry-rename", carry_rename},
};

}  // namespace

std::span<const Attack> path_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
