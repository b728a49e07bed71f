// Threads, their registers, and memory.

#include <algorithm>

#include "kernel_shim/gdb/session.h"

namespace halfcell::gdb {

namespace {

// "ADDRESS,SIZE"
struct Place {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
};
std::optional<Place> read_place(Reader& reader) {
    const auto address = reader.number();
    const bool comma = reader.skip(",");
    const auto size = reader.number();
    if (!address || !comma || !size) return std::nullopt;
    return Place{*address, *size};
}

}  // namespace

// Hc chooses for packets that vCont has replaced; only Hg matters.
Session::Reply Session::select_thread(Reader reader) {
    const bool general = reader.skip("g");
    if (!general && !reader.skip("c")) return "";
    const auto pattern = read_thread_pattern(reader);
    if (!pattern) return malformed();
    if (!general) return "OK";
    if (!find(*pattern)) return error(Errno::kESRCH);
    selected_ = *pattern;
    return "OK";
}

Session::Reply Session::thread_alive(Reader reader) {
    const auto pattern = read_thread_pattern(reader);
    return pattern && find(*pattern) ? "OK" : error(Errno::kESRCH);
}

Session::Reply Session::read_registers(Reader) {
    const auto name = selected();
    if (!name) return error(name.error());
    const auto registers = target_.registers(*name);
    return registers ? to_hex(register_file_.pack(*registers)) : error(registers.error());
}

Session::Reply Session::write_registers(Reader reader) {
    const auto packed = from_hex(reader.rest());
    const auto name = selected();
    if (!name) return error(name.error());
    auto registers = target_.registers(*name);
    if (!registers) return error(registers.error());
    if (!packed) return malformed();
    const auto unpacked = register_file_.unpack(*packed, *registers);
    return outcome(unpacked ? target_.set_registers(*name, *registers) : unpacked);
}

Session::Reply Session::read_register(Reader reader) {
    const auto number = reader.number();
    if (!number || *number >= register_file_.rows().size()) return malformed();
    const auto name = selected();
    if (!name) return error(name.error());
    const auto registers = target_.registers(*name);
    if (!registers) return error(registers.error());
    const RegisterRow& row = register_file_.rows()[*number];
    return to_hex(register_file_.pack(*registers).substr(row.offset, row.size()));
}

// P NUMBER=BYTES
Session::Reply Session::write_register(Reader reader) {
    const auto number = reader.number();
    if (!number || *number >= register_file_.rows().size() || !reader.skip("=")) return malformed();
    const RegisterRow& row = register_file_.rows()[*number];
    const auto bytes = from_hex(reader.rest());
    if (!bytes || bytes->size() != row.size()) return malformed();
    const auto name = selected();
    if (!name) return error(name.error());
    auto registers = target_.registers(*name);
    if (!registers) return error(registers.error());
    const std::string packed = register_file_.pack(*registers).replace(row.offset, row.size(), *bytes);
    const auto unpacked = register_file_.unpack(packed, *registers);
    return outcome(unpacked ? target_.set_registers(*name, *registers) : unpacked);
}

Session::Reply Session::read_memory(Reader reader) {
    const auto place = read_place(reader);
    if (!place) return malformed();
    std::vector<std::byte> bytes(std::min<std::uint64_t>(place->size, kPacketSize / 2));
    const auto read = breakpoints_.read(selected_process(), place->address, bytes);
    return read ? to_hex(as_text(bytes).substr(0, *read)) : error(read.error());
}

// M ADDRESS,SIZE:HEX
Session::Reply Session::write_memory(Reader reader) {
    const auto place = read_place(reader);
    if (!place || !reader.skip(":")) return malformed();
    return store(place->address, place->size, from_hex(reader.rest()));
}

// X ADDRESS,SIZE:BINARY
Session::Reply Session::write_binary(Reader reader) {
    const auto place = read_place(reader);
    if (!place || !reader.skip(":")) return malformed();
    return store(place->address, place->size, unescape(reader.rest()));
}

// gdb probes with no bytes at all whether the packet is known.
Session::Reply Session::store(std::uint64_t address, std::uint64_t size,
                              const std::optional<std::string>& bytes) {
    if (!bytes || bytes->size() != size) return malformed();
    if (bytes->empty()) return "OK";
    return outcome(breakpoints_.write(selected_process(), address, as_bytes(*bytes)));
}

// Z0,ADDRESS,KIND: one byte is enough for every kind that there is on this CPU.
Session::Reply Session::insert_breakpoint(Reader reader) {
    const auto place = read_place(reader);
    if (!place) return malformed();
    return outcome(breakpoints_.insert(selected_process(), place->address));
}

Session::Reply Session::remove_breakpoint(Reader reader) {
    const auto place = read_place(reader);
    if (!place) return malformed();
    return outcome(breakpoints_.remove(selected_process(), place->address));
}

}  // namespace halfcell::gdb
