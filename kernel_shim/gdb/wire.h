#pragma once

// The bytes of gdb's Remote Serial Protocol: packets "$payload#checksum", their acknowledgements, and the
// byte 3 that interrupts. Source: the GDB manual, appendix "GDB Remote Serial Protocol", "Overview".

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace halfcell::gdb {

// The longest packet either side sends, as qSupported promises it: a payload without its frame.
inline constexpr std::size_t kPacketSize = 0x10000;

// What comes from gdb. A payload is as it was sent: binary parts are still escaped.
struct Packet {
    std::string payload;
};
// A packet whose checksum is wrong, or that is longer than promised.
struct GarbledPacket {};
struct Acknowledged {};
struct SendAgain {};
struct InterruptRequest {};
using Incoming = std::variant<Packet, GarbledPacket, Acknowledged, SendAgain, InterruptRequest>;

// Cuts a stream into what it consists of. Holds one packet at most, never blocks.
class PacketReader {
  public:
    // Bytes from gdb, in any pieces; bytes that belong to nothing are dropped.
    void feed(std::string_view bytes, std::vector<Incoming>& incoming);
    // From now on checksums are not looked at, as QStartNoAckMode has it.
    void trust_checksums() { trusting_ = true; }

  private:
    enum class State : std::uint8_t { kOutside, kPayload, kFirstDigit, kSecondDigit };
    void outside(char byte, std::vector<Incoming>& incoming);
    void end_packet(std::vector<Incoming>& incoming);

    State state_ = State::kOutside;
    std::string payload_;
    char first_digit_ = 0;
    char second_digit_ = 0;
    bool too_long_ = false;
    bool trusting_ = false;
};

// "$payload#checksum". The payload holds '#' and '$' escaped only.
[[nodiscard]] std::string frame(std::string_view payload);

// Binary data as a payload may hold it, and back. unescape: nullopt where the last byte is a lone escape.
[[nodiscard]] std::string escape(std::string_view bytes);
[[nodiscard]] std::optional<std::string> unescape(std::string_view text);

// Two hexadecimal digits a byte. from_hex: nullopt where there is another character, or an odd number.
[[nodiscard]] std::string to_hex(std::string_view bytes);
[[nodiscard]] std::optional<std::string> from_hex(std::string_view text);
// A number as the protocol writes it: hexadecimal, without leading zeros.
[[nodiscard]] std::string hex_number(std::uint64_t value);
// Exactly two digits, where the protocol wants that: "E0e", "S05".
[[nodiscard]] std::string hex_byte(std::uint8_t value);

[[nodiscard]] std::string_view as_text(std::span<const std::byte> bytes);
[[nodiscard]] std::span<const std::byte> as_bytes(std::string_view text);

// Reads a payload from its front. Every method leaves it where it was when it does not find what it looks
// for.
class Reader {
  public:
    explicit Reader(std::string_view text) : left_(text) {}
    [[nodiscard]] std::string_view rest() const { return left_; }
    [[nodiscard]] bool at_end() const { return left_.empty(); }
    bool skip(std::string_view text);
    // A hexadecimal number of 1 to 16 digits.
    std::optional<std::uint64_t> number();
    // What comes before `separator`, which is skipped too; all of it where there is no separator.
    std::string_view until(char separator);

  private:
    std::string_view left_;
};

}  // namespace halfcell::gdb
