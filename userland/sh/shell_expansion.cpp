// What expansions ask of the shell.

#include "userland/lib/number.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"
#include "userland/rt/process.h"
#include "userland/sh/shell.h"

namespace halfcell::userland::sh {

std::optional<std::string> Shell::parameter(std::string_view parameter_name) {
    if (parameter_name.size() == 1) {
        switch (parameter_name[0]) {
            case '?':
                return decimal(static_cast<std::uint64_t>(status));
            case '$':
                return decimal(pid);
            case '!':
                if (!background) return {};
                return decimal(*background);
            case '-':
                return options.letters();
            case '0':
                return name;
            default:
                break;
        }
    }
    if (parameter_name == "LINENO") return decimal(static_cast<std::uint64_t>(line));
    return variables.value(parameter_name);
}

bool Shell::set_variable(std::string_view variable, std::string_view value, std::string& error) {
    if (!variables.set(variable, value)) {
        error = std::string(variable) + ": is read only";
        return false;
    }
    if (options.has(Option::kAllExport)) variables.set_exported(variable);
    return true;
}

bool Shell::command_output(const List& commands, std::string& output, std::string& error) {
    Result<Pipe> pipe = make_pipe();
    if (!pipe) {
        error = "cannot make a pipe";
        return false;
    }
    Job& job = jobs.add({});
    const std::optional<std::uint32_t> child = fork_for(job, Fork::kNoJob);
    if (!child) {
        jobs.remove(job);
        error = "cannot fork";
        return false;
    }
    if (*child == 0) {
        pipe->reader.reset();
        (void)sys_dup2(pipe->writer.fd(), Fd::kStdout);
        pipe->writer.reset();
        run(commands, Tail::kYes);
        finish(status);
    }
    pipe->writer.reset();
    (void)read_rest(pipe->reader.fd(), output);
    pipe->reader.reset();
    substitution_status_ = wait_in_foreground(job);
    // No word can hold a NUL.
    std::erase(output, '\0');
    return true;
}

std::optional<std::string> Shell::home_of(std::string_view user) {
    if (user.empty()) return variables.value("HOME");
    // /etc/passwd: name;uid;gid;gecos;home;shell
    const Result<UniqueFd> file =
        open_file("/etc/passwd", abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
    std::string text;
    if (!file || !read_rest(file->fd(), text)) return {};
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t newline = rest.find('\n');
        std::string_view entry = rest.substr(0, newline);
        rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
        if (entry.substr(0, entry.find(';')) != user) continue;
        for (int field = 0; field < 4 && !entry.empty(); ++field)
            entry.remove_prefix(entry.find(';') == std::string_view::npos ? entry.size()
                                                                          : entry.find(';') + 1);
        return std::string(entry.substr(0, entry.find(';')));
    }
    return {};
}

std::vector<std::string> Shell::names_in(const std::string& directory) {
    std::vector<std::string> names{".", ".."};
    const auto entries =
        read_directory(directory.empty() ? std::string_view(".") : std::string_view(directory));
    if (!entries) return {};
    for (const DirectoryEntry& entry : *entries)
        names.push_back(entry.name);
    return names;
}

bool Shell::exists(const std::string& path) {
    // A path that ends in a slash is a directory's.
    if (path.ends_with('/')) {
        const Result<abi::Stat> stat = stat_file(path);
        return stat && is_directory(*stat);
    }
    return static_cast<bool>(stat_file(path, FollowLinks::kNo));
}

}  // namespace halfcell::userland::sh
