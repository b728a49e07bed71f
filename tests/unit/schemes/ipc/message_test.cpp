#include "schemes/ipc/message.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>

using namespace halfcell;
using namespace halfcell::ipc;

namespace {

template <typename T>
std::string bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string word(std::uint64_t value) {
    return bytes_of(value);
}

std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

std::string text(std::span<const std::byte> from) {
    return {reinterpret_cast<const char*>(from.data()), from.size()};
}

std::string header(std::int32_t level, std::int32_t type, std::uint64_t size) {
    return bytes_of(abi::AncillaryHeader{level, type, size});
}

struct BuiltMessage {
    std::string bytes;
    bool descriptors_told;
};
BuiltMessage build(const Received& received, MessageLimits limits, bool credentials = false) {
    const Message message = build_message(received, "uds_stream", limits, credentials);
    return {text(message.bytes), message.descriptors_told};
}

}  // namespace

TEST_CASE("a message is its payload and what it says of descriptors") {
    const Credentials sender{1, 2, 3};
    const auto packet = parse_message(
        bytes(word(2) + "hi" + header(1, 1, 8) + word(3) + header(1, 2, 0) + header(1, 1, 8) + word(4)),
        sender);
    REQUIRE(packet.has_value());
    CHECK(text(packet->payload) == "hi");
    CHECK(packet->descriptors == 7);
    CHECK(packet->sender == sender);
    CHECK_FALSE(packet->name.has_value());
    // What is no whole header is no header.
    CHECK(parse_message(bytes(word(0) + std::string(15, 'x')), {}).has_value());
}

TEST_CASE("what is shorter than it says is no message") {
    const auto error = [](const std::string& message) { return parse_message(bytes(message), {}).error(); };
    CHECK(error("") == Errno::kEINVAL);
    CHECK(error("1234567") == Errno::kEINVAL);
    CHECK(error(word(3) + "hi") == Errno::kEINVAL);
    CHECK(error(word(UINT64_MAX) + "hi") == Errno::kEINVAL);
    CHECK(error(word(0) + header(1, 1, 8) + "1234567") == Errno::kEINVAL);
    CHECK(error(word(0) + header(1, 1, 7) + "1234567") == Errno::kEINVAL);
    CHECK(error(word(0) + header(1, 1, UINT64_MAX)) == Errno::kEINVAL);
    CHECK(error(word(0) + header(1, 1, 8) + word(UINT64_MAX) + header(1, 1, 8) + word(1)) == Errno::kEINVAL);
    CHECK(error(word(0) + header(2, 1, 8) + word(1)) == Errno::kEOPNOTSUPP);
    CHECK(error(word(0) + header(1, 3, 0)) == Errno::kEOPNOTSUPP);
}

TEST_CASE("what is received fits into its room, part by part") {
    const Received received{.size = 5,
                            .bytes = {bytes("hel"), bytes("lo")},
                            .name = "tmp/s",
                            .descriptors = 2,
                            .senders = {Credentials{1, 2, 3}, Credentials{4, 5, 6}}};
    const std::string path = "/scheme/uds_stream/tmp/s";
    const std::string rights = header(1, 1, 8) + word(2);
    const std::string first = header(1, 2, 12) + bytes_of(Credentials{1, 2, 3});
    const std::string second = header(1, 2, 12) + bytes_of(Credentials{4, 5, 6});
    const std::string head = word(path.size()) + path + word(5);
    const auto whole = build(received, {.room = 1000, .name_size = 100, .most = 100}, true);
    CHECK(whole.bytes == head + "hello" + rights + first + second);
    CHECK(whole.descriptors_told);
    CHECK(build(received, {.room = 1000, .name_size = 100, .most = 4}).bytes == head + "hell" + rights);
    CHECK(build(received, {.room = 1000, .name_size = 7, .most = 100}).bytes ==
          word(7) + "/scheme" + word(5) + "hello" + rights);
    CHECK(build(received, {.room = 1000, .name_size = 0, .most = 0}).bytes == word(0) + word(5) + rights);

    // One byte too few for the descriptors: the rest is filled, and they are not told of.
    const std::uint64_t enough = 16 + 5 + rights.size();
    const auto just = build(received, {.room = enough, .name_size = 0, .most = 100});
    CHECK(just.bytes == word(0) + word(5) + "hello" + rights);
    const auto short_of = build(received, {.room = enough - 1, .name_size = 0, .most = 100}, true);
    CHECK(short_of.bytes == word(0) + word(5) + "hello" + std::string(rights.size() - 1, '\1'));
    CHECK_FALSE(short_of.descriptors_told);
    const auto one_sender =
        build(received, {.room = enough + first.size() + 1, .name_size = 0, .most = 100}, true);
    CHECK(one_sender.bytes == word(0) + word(5) + "hello" + rights + first + "\1");
    CHECK(one_sender.descriptors_told);

    // The name leaves room for the lengths, whatever it is.
    const auto tight = build(received, {.room = 24, .name_size = 100, .most = 100});
    CHECK(tight.bytes == word(8) + "/scheme/" + word(5));
    CHECK(build(Received{}, {.room = 24, .name_size = 9, .most = 9}).bytes == word(0) + word(0));
}

TEST_CASE("whatever a program sends, it is a message or EINVAL or EOPNOTSUPP") {
    std::mt19937 random(20261127);
    for (int round = 0; round < 20000; ++round) {
        std::string message(random() % 80, '\0');
        // Mostly small numbers, so that lengths often fit.
        for (char& c : message)
            c = static_cast<char>(random() % 5 == 0 ? random() % 256 : random() % 3 * (random() % 9));
        const auto packet = parse_message(bytes(message), {});
        if (packet) {
            CHECK(packet->payload.size() + 8 <= message.size());
        } else {
            CHECK((packet.error() == Errno::kEINVAL || packet.error() == Errno::kEOPNOTSUPP));
        }
    }
}
