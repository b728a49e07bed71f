#include "userland/rt/exec.h"

#include <array>

#include "abi/auxv.h"
#include "abi/proc_call.h"
#include "userland/rt/elf_loader.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/input.h"
#include "userland/rt/output.h"
#include "userland/rt/path.h"
#include "userland/rt/process_state.h"
#include "userland/rt/signal.h"
#include "userland/rt/signal_state.h"

namespace halfcell::userland {
namespace {

constexpr std::uint64_t kStackTop = std::uint64_t{1} << 47;
constexpr std::uint64_t kStackSize = 1024 * 1024;
constexpr std::size_t kLongestScriptLine = 256;

// What is going to run: the file, and argv as a script's first line may have changed it.
struct Image {
    UniqueFd file;
    std::string path;
    std::vector<std::string> arguments;
};

Result<UniqueFd> open_image(std::string_view path) {
    UniqueFd file = RT_TRY(open_file(path, abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec));
    const abi::Stat stat = RT_TRY(sys_fstat(file.fd()));
    if (is_directory(stat) || (stat.st_mode & 0111) == 0) return Errno::kEACCES;
    return file;
}

// "#!INTERPRETER [ARGUMENT]": argv becomes interpreter, argument, path, the rest.
Result<void> follow_script(Image& image) {
    std::array<char, kLongestScriptLine> buffer;
    const std::size_t size = RT_TRY(read_full(image.file.fd(), std::as_writable_bytes(std::span(buffer))));
    std::string_view line(buffer.data(), size);
    if (!line.starts_with("#!")) return {};
    const std::size_t newline = line.find('\n');
    if (newline == std::string_view::npos && size == buffer.size()) return Errno::kENOEXEC;
    line = line.substr(2, newline == std::string_view::npos ? newline : newline - 2);
    const auto trim = [](std::string_view text) {
        const std::size_t first = text.find_first_not_of(" \t\r");
        if (first == std::string_view::npos) return std::string_view();
        return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
    };
    line = trim(line);
    const std::size_t blank = line.find_first_of(" \t");
    const std::string interpreter(line.substr(0, blank));
    if (interpreter.empty()) return Errno::kENOEXEC;
    std::vector<std::string> arguments{interpreter};
    if (blank != std::string_view::npos) arguments.emplace_back(trim(line.substr(blank)));
    arguments.push_back(image.path);
    for (std::size_t i = 1; i < image.arguments.size(); ++i)
        arguments.push_back(std::move(image.arguments[i]));
    image.file = RT_TRY(open_image(interpreter));
    image.path = interpreter;
    image.arguments = std::move(arguments);
    return {};
}

// The program and, where it names one, its interpreter.
struct Loaded {
    LoadedImage program;
    LoadedImage interpreter;
    bool interpreted = false;
    std::uint64_t entry() const { return interpreted ? interpreter.entry : program.entry; }
};

Result<Loaded> load(Fd file, ForeignSpace& space) {
    Loaded loaded;
    loaded.program = RT_TRY(load_elf(file, space));
    if (loaded.program.interpreter.empty()) return loaded;
    const UniqueFd interpreter = RT_TRY(open_image(loaded.program.interpreter));
    loaded.interpreter = RT_TRY(load_elf(interpreter.fd(), space));
    loaded.interpreted = true;
    return loaded;
}

// The strings of a new program, which lie in a mapping of their own.
class Strings {
  public:
    std::uint64_t add(std::string_view text) {
        const std::uint64_t at = bytes_.size();
        bytes_.append(text).push_back('\0');
        return at;
    }
    std::string_view bytes() const { return bytes_; }

  private:
    std::string bytes_;
};

void add_auxiliary(std::vector<std::uint64_t>& words, const Loaded& loaded) {
    const Process& self = process();
    const auto add = [&words](std::uint64_t key, std::uint64_t value) {
        words.push_back(key);
        words.push_back(value);
    };
    add(abi::Auxv::kRedoxCwdFd, word(self.directory));
    add(abi::Auxv::kRedoxNsFd, word(self.name_space));
    add(abi::Auxv::kRedoxProcFd, word(self.process));
    add(abi::Auxv::kRedoxThrFd, word(self.thread));
    add(abi::Auxv::kRedoxUmask, self.umask);
    add(abi::Auxv::kRedoxInheritedSigprocmask, blocked_signals());
    add(abi::Auxv::kRedoxInheritedSigignmask, ignored_signals());
    add(abi::Auxv::kPhent, 56);
    add(abi::Auxv::kPhnum, loaded.program.header_count);
    add(abi::Auxv::kPhdr, loaded.program.headers);
    if (loaded.interpreted) add(abi::Auxv::kBase, loaded.interpreter.base);
    add(abi::Auxv::kEntry, loaded.program.entry);
}

// Writes stack and strings; returns the initial stack pointer.
Result<std::uint64_t> build_stack(ForeignSpace& space, const Loaded& loaded,
                                  std::span<const std::string> arguments,
                                  std::span<const std::string> environment) {
    constexpr std::uint64_t kReadWrite = abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite;
    Strings strings;
    const std::uint64_t directory = strings.add(process().working_directory);
    std::vector<std::uint64_t> words{arguments.size()};
    for (const std::string& argument : arguments)
        words.push_back(strings.add(argument));
    const std::size_t arguments_end = words.size();
    words.push_back(0);
    for (const std::string& entry : environment)
        words.push_back(strings.add(entry));
    const std::size_t environment_end = words.size();
    words.push_back(0);

    const std::uint64_t base = RT_TRY(space.map(0, page_end(strings.bytes().size()), kReadWrite));
    RT_TRY(space.write(base, std::as_bytes(std::span(strings.bytes()))));
    for (std::size_t i = 1; i < environment_end; ++i) {
        if (i != arguments_end) words[i] += base;
    }
    add_auxiliary(words, loaded);
    for (const std::uint64_t value :
         {std::uint64_t{abi::Auxv::kRedoxInitialCwdLen}, std::uint64_t{process().working_directory.size()},
          std::uint64_t{abi::Auxv::kRedoxInitialCwdPtr}, base + directory, std::uint64_t{abi::Auxv::kNull},
          std::uint64_t{0}}) {
        words.push_back(value);
    }
    const std::uint64_t size = words.size() * sizeof(std::uint64_t);
    if (size > kStackSize / 4) return Errno::kE2BIG;
    RT_TRY(space.map(kStackTop - kStackSize, kStackSize, kReadWrite | abi::MapFlags::kMapFixedNoreplace));
    // The last page below 1 << 47 stays unused: where guests are processes of another system, it may be one
    // that cannot be mapped.
    const std::uint64_t pointer = (kStackTop - kPage - size) & ~std::uint64_t{15};
    RT_TRY(space.write(pointer, std::as_bytes(std::span(words))));
    return pointer;
}

Result<void> keep_low_memory_free(const ForeignSpace& space, const Loaded& loaded) {
    if (!loaded.interpreted) return {};
    // What the dynamic linker maps at no particular address comes behind the program.
    const UniqueFd handle(RT_TRY(sys_dup(space.fd(), "mmap-min-addr")));
    const std::uint64_t least = loaded.program.end;
    (void)sys_write(handle.fd(), std::as_bytes(std::span(&least, 1)));
    return {};
}

void announce(std::string_view path) {
    std::array<std::byte, abi::kProcessNameLength> name{};
    for (std::size_t i = 0; i < path.size() && i < name.size(); ++i)
        name[i] = static_cast<std::byte>(path[i]);
    const std::uint64_t rename[] = {static_cast<std::uint64_t>(abi::ProcCall::kRename)};
    (void)call_process(rename, name);
    const std::uint64_t settle[] = {static_cast<std::uint64_t>(abi::ProcCall::kDisableSetpgid)};
    (void)call_process(settle);
}

// Closes what is not for the next program. `selection` is the handle whose end switches to it.
Result<void> close_on_exec(Fd selection) {
    const UniqueFd table(RT_TRY(sys_dup(process().thread, "filetable-binary")));
    std::array<std::uint64_t, 512> numbers;
    for (;;) {
        const std::size_t size = RT_TRY(sys_read(table.fd(), std::as_writable_bytes(std::span(numbers))));
        if (size == 0) return {};
        for (const std::uint64_t number : std::span(numbers).first(size / sizeof(std::uint64_t))) {
            const Fd fd{number};
            if (fd == selection || fd == table.fd()) continue;
            const std::uint64_t flags = RT_TRY(sys_fcntl(fd, abi::FcntlCommand::kGetfd, 0));
            if ((flags & abi::OpenFlags::kCloexec) != 0) (void)sys_close(fd);
        }
    }
}

Result<void> switch_to(const ForeignSpace& space, std::uint64_t stack, std::uint64_t entry) {
    UniqueFd selection = RT_TRY(dup_to_upper(process().thread, "current-addrspace"));
    const std::uint64_t words[] = {word(space.fd()), stack, entry};
    RT_TRY(sys_write(selection.fd(), std::as_bytes(std::span(words))));
    // Nothing of this program will be there to close the space's own handle.
    RT_TRY(sys_fcntl(space.fd(), abi::FcntlCommand::kSetfd, abi::OpenFlags::kCloexec));
    RT_TRY(close_on_exec(selection.fd()));
    {
        const UniqueFd registers(RT_TRY(sys_dup(process().thread, "regs/env")));
        const abi::EnvRegisters none{};
        RT_TRY(sys_write(registers.fd(), std::as_bytes(std::span(&none, 1))));
    }
    selection.reset();
    return Errno::kENOEXEC;
}

Result<void> run(std::string_view path, std::span<const std::string> arguments,
                 std::span<const std::string> environment) {
    Image image{RT_TRY(open_image(path)), std::string(path), {arguments.begin(), arguments.end()}};
    RT_TRY(follow_script(image));
    if (RT_TRY(is_made_for_linux(image.file.fd()))) return Errno::kENOEXEC;
    ForeignSpace space = RT_TRY(ForeignSpace::create());
    const Loaded loaded = RT_TRY(load(image.file.fd(), space));
    const std::uint64_t stack = RT_TRY(build_stack(space, loaded, image.arguments, environment));
    RT_TRY(keep_low_memory_free(space, loaded));
    stop_signals();
    announce(image.path);
    (void)switch_to(space, stack, loaded.entry());
    exit_now(126);
}

}  // namespace

Errno exec_program(std::string_view path, std::span<const std::string> arguments,
                   std::span<const std::string> environment) {
    const Result<void> result = run(path, arguments, environment);
    return result.error();
}

bool is_linux_program(std::string_view path) {
    const Result<UniqueFd> file = open_file(path, abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
    if (!file) return false;
    const Result<bool> foreign = is_made_for_linux(file->fd());
    return foreign && *foreign;
}

Result<std::string> find_program(std::string_view name, std::string_view search) {
    const auto may_run = [](std::string_view path) -> Result<void> {
        const abi::Stat stat = RT_TRY(stat_file(path));
        return is_regular(stat) && (stat.st_mode & 0111) != 0 ? Result<void>() : Errno::kEACCES;
    };
    if (name.empty()) return Errno::kENOENT;
    if (name.find('/') != std::string_view::npos) {
        RT_TRY(may_run(name));
        return std::string(name);
    }
    Errno problem = Errno::kENOENT;
    for (;;) {
        const std::size_t colon = search.find(':');
        const std::string_view directory = search.substr(0, colon);
        const std::string path = directory.empty() ? std::string(name) : join_path(directory, name);
        const Result<void> allowed = may_run(path);
        if (allowed) return path;
        if (allowed.error() == Errno::kEACCES) problem = Errno::kEACCES;
        if (colon == std::string_view::npos) return problem;
        search.remove_prefix(colon + 1);
    }
}

std::vector<std::string> inherited_environment() {
    return {process().environment.begin(), process().environment.end()};
}

int exec_or_explain(std::span<const std::string> arguments, std::span<const std::string> environment) {
    Errno problem = Errno::kENOENT;
    const Result<std::string> path = find_program(arguments[0], environment_variable("PATH"));
    problem = path ? exec_program(*path, arguments, environment) : path.error();
    const bool foreign = problem == Errno::kENOEXEC && is_linux_program(*path);
    const std::string_view reason = foreign ? kLinuxProgram : std::string_view(abi::errno_text(problem));
    err().print(process().program_path, ": ", arguments[0], ": ", reason, '\n');
    return problem == Errno::kENOENT ? 127 : 126;
}

Result<std::uint32_t> spawn_program(std::span<const std::string> arguments,
                                    std::span<const std::string> environment) {
    out().flush();
    const std::uint32_t pid = RT_TRY(fork_process());
    if (pid != 0) return pid;
    exit_now(exec_or_explain(arguments, environment));
}

}  // namespace halfcell::userland
