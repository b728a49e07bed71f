#include "kernel_shim/supervisor/program.h"

#include "kernel_shim/boot/script.h"

namespace halfcell::supervisor {

namespace {

template <typename T>
using OrProblem = Expected<T, LaunchProblem>;

LaunchProblem cannot_run(const std::string& name, std::string_view why) {
    return {kExitCannotRun, name + ": " + std::string(why)};
}

OrProblem<Loadable> check(ProgramFile file) {
    auto image = boot::parse_elf(file.bytes);
    if (!image) return unexpected(cannot_run(file.name, boot::describe(image.error())));
    return Loadable{std::move(file), std::move(*image)};
}

OrProblem<Loadable> find_linker(const SearchPlace& place, const Loadable& program) {
    const std::string& path = program.image.interpreter;
    auto file = read_guest_program(place.names, place.caller, path);
    if (!file && file.error().status == kExitNotFound)
        return unexpected(cannot_run(
            program.file.name, "needs the dynamic linker " + path + ", which the guest's root does not " +
                                   "have; give a root that has it (--root), or link with -static"));
    if (!file) return unexpected(file.error());
    auto linker = check(std::move(*file));
    if (linker && !linker->image.interpreter.empty())
        return unexpected(cannot_run(path, "is a dynamic program, and no linker"));
    return linker;
}

// Replaces a script by its interpreter and puts what that needs to know before the other arguments.
OrProblem<ProgramFile> follow_script(const SearchPlace& place, ProgramFile file,
                                     std::vector<std::string>& arguments) {
    const auto line = boot::parse_script(file.bytes);
    if (!line) return unexpected(cannot_run(file.name, "its first line names no interpreter"));
    if (!*line) return file;
    const std::string& interpreter = (*line)->interpreter;
    auto found = read_guest_program(place.names, place.caller,
                                    absolute_guest_path(place.options.working_directory, interpreter));
    if (!found)
        return unexpected(
            LaunchProblem{found.error().status == kExitNotFound ? kExitCannotRun : found.error().status,
                          file.name + ": its interpreter " + found.error().message});
    std::vector<std::string> words{interpreter};
    if ((*line)->argument) words.push_back(*(*line)->argument);
    words.push_back(file.guest_path);
    words.insert(words.end(), arguments.begin() + 1, arguments.end());
    arguments = std::move(words);
    return found;
}

}  // namespace

OrProblem<Program> find_program(const SearchPlace& place, const std::vector<std::string>& words) {
    const std::string& name = words.front();
    const bool on_host = name.find('/') != std::string::npos;
    auto file = on_host ? read_host_program(name)
                        : search_guest_program(place.names, place.caller, name, place.path_variable);
    if (!file) return unexpected(file.error());
    if (on_host) file->guest_path = view_of_host_file(place.options, name).path;

    Program program;
    program.arguments = words;
    program.process_name = file->name;
    file = follow_script(place, std::move(*file), program.arguments);
    if (!file) return unexpected(file.error());
    auto checked = check(std::move(*file));
    if (!checked) return unexpected(checked.error());
    program.main = std::move(*checked);
    if (program.main.image.interpreter.empty()) return program;

    auto linker = find_linker(place, program.main);
    if (!linker) return unexpected(linker.error());
    program.linker = std::move(*linker);
    // A name without a slash is found along PATH by the linker, too; an interpreter was named by its path.
    if (on_host && program.arguments.front() == name)
        program.arguments.front() = program.main.file.guest_path;
    return program;
}

}  // namespace halfcell::supervisor
