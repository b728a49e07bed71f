#include "kernel_shim/gdb/wire.h"

#include <doctest/doctest.h>

#include "kernel_shim/gdb/signal_numbers.h"
#include "kernel_shim/gdb/thread_name.h"

using namespace halfcell::gdb;

namespace {

std::vector<Incoming> cut(PacketReader& reader, std::string_view bytes) {
    std::vector<Incoming> incoming;
    reader.feed(bytes, incoming);
    return incoming;
}

std::string payload_of(const Incoming& incoming) {
    const auto* const packet = std::get_if<Packet>(&incoming);
    return packet != nullptr ? packet->payload : "(no packet)";
}

}  // namespace

TEST_CASE("packets are cut out of a stream, in whatever pieces it comes") {
    PacketReader reader;
    CHECK(cut(reader, "noise$m10").empty());
    CHECK(cut(reader, ",4#2").empty());
    const auto incoming = cut(reader, "e+-\3$?#3f");
    REQUIRE(incoming.size() == 5);
    CHECK(payload_of(incoming[0]) == "m10,4");
    CHECK(std::holds_alternative<Acknowledged>(incoming[1]));
    CHECK(std::holds_alternative<SendAgain>(incoming[2]));
    CHECK(std::holds_alternative<InterruptRequest>(incoming[3]));
    CHECK(payload_of(incoming[4]) == "?");
}

TEST_CASE("a wrong checksum is noticed while checksums count") {
    PacketReader reader;
    CHECK(std::holds_alternative<GarbledPacket>(cut(reader, "$?#3e").at(0)));
    CHECK(std::holds_alternative<GarbledPacket>(cut(reader, "$?#zz").at(0)));
    reader.trust_checksums();
    CHECK(payload_of(cut(reader, "$?#zz").at(0)) == "?");
}

TEST_CASE("a packet whose end was lost gives way to the next") {
    PacketReader reader;
    const auto incoming = cut(reader, "$m10$?#3f");
    REQUIRE(incoming.size() == 1);
    CHECK(payload_of(incoming[0]) == "?");
}

TEST_CASE("a packet may be as long as promised, and no longer") {
    PacketReader reader;
    const std::string longest(kPacketSize, 'a');
    CHECK(payload_of(cut(reader, frame(longest)).at(0)) == longest);
    CHECK(std::holds_alternative<GarbledPacket>(cut(reader, frame(longest + "a")).at(0)));
    reader.trust_checksums();
    CHECK(std::holds_alternative<GarbledPacket>(cut(reader, frame(longest + "a")).at(0)));
}

TEST_CASE("binary data survives its escapes") {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte)
        bytes.push_back(static_cast<char>(byte));
    const std::string escaped = escape(bytes);
    CHECK(escaped.find_first_of("#$*") == std::string::npos);
    CHECK(unescape(escaped) == bytes);
    CHECK(unescape("a}") == std::nullopt);
    CHECK(from_hex(to_hex(bytes)) == bytes);
    CHECK(from_hex("4") == std::nullopt);
    CHECK(from_hex("4g") == std::nullopt);
    CHECK(from_hex("4A") == "J");
}

TEST_CASE("numbers are hexadecimal and at most 64 bits wide") {
    CHECK(hex_number(0) == "0");
    CHECK(hex_number(UINT64_MAX) == "ffffffffffffffff");
    CHECK(hex_byte(5) == "05");
    CHECK(Reader("ffffffffffffffff").number() == UINT64_MAX);
    CHECK(Reader("10000000000000000").number() == std::nullopt);
    CHECK(Reader("x").number() == std::nullopt);
    Reader reader("12,Ab;rest");
    CHECK(reader.number() == 0x12);
    CHECK_FALSE(reader.skip(";"));
    CHECK(reader.skip(","));
    CHECK(reader.until(';') == "Ab");
    CHECK(reader.until(';') == "rest");
    CHECK(reader.at_end());
}

TEST_CASE("thread names and patterns") {
    const auto pattern = [](std::string_view text) {
        Reader reader(text);
        return read_thread_pattern(reader);
    };
    const ThreadName name{0x1a, 3};
    CHECK(to_text(name, true) == "p1a.3");
    CHECK(to_text(name, false) == "3");
    for (const char* const fits : {"p1a.3", "p1a", "p1a.-1", "p1a.0", "p-1.-1", "p0.0", "3", "-1", "0"})
        CHECK_MESSAGE((pattern(fits) && pattern(fits)->matches(name)), fits);
    for (const char* const other : {"p1b.3", "p1a.4", "p2", "4", "p0.4"})
        CHECK_MESSAGE((pattern(other) && !pattern(other)->matches(name)), other);
    for (const char* const wrong : {"", "p", "p1.", "x", "p1.x"})
        CHECK_MESSAGE(!pattern(wrong), wrong);
}

TEST_CASE("every signal has its number in gdb, and back") {
    for (std::uint32_t signal = 1; signal <= 64; ++signal) {
        if (signal == 16) continue;  // SIGSTKFLT: gdb has none
        CHECK(to_gdb_signal(signal) != kUnknownSignal);
        CHECK(from_gdb_signal(to_gdb_signal(signal)) == signal);
    }
    CHECK(to_gdb_signal(16) == kUnknownSignal);
    CHECK(to_gdb_signal(10) == 30);  // SIGUSR1
    CHECK(to_gdb_signal(7) == 10);   // SIGBUS
    CHECK(to_gdb_signal(0) == 0);
    CHECK(from_gdb_signal(0) == 0);
    CHECK(from_gdb_signal(7) == 0);  // SIGEMT
    CHECK(from_gdb_signal(kUnknownSignal) == 0);
}
