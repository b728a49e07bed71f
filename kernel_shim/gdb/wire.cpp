#include "kernel_shim/gdb/wire.h"

#include <algorithm>

namespace halfcell::gdb {

namespace {

constexpr char kStart = '$';
constexpr char kEnd = '#';
constexpr char kEscape = '}';
constexpr char kRunLength = '*';
constexpr char kInterrupt = '\3';
constexpr char kEscapeBit = 0x20;

constexpr char kDigits[] = "0123456789abcdef";

int digit(char character) {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return -1;
}

std::uint8_t checksum(std::string_view payload) {
    unsigned sum = 0;
    for (const char byte : payload)
        sum += static_cast<unsigned char>(byte);
    return static_cast<std::uint8_t>(sum);
}

}  // namespace

void PacketReader::feed(std::string_view bytes, std::vector<Incoming>& incoming) {
    for (const char byte : bytes) {
        switch (state_) {
            case State::kOutside:
                outside(byte, incoming);
                break;
            case State::kPayload:
                // A start inside a packet is the start of the next one: the end of this one was lost.
                if (byte == kStart)
                    outside(byte, incoming);
                else if (byte == kEnd)
                    state_ = State::kFirstDigit;
                else if (payload_.size() < kPacketSize)
                    payload_.push_back(byte);
                else
                    too_long_ = true;
                break;
            case State::kFirstDigit:
                first_digit_ = byte;
                state_ = State::kSecondDigit;
                break;
            case State::kSecondDigit:
                second_digit_ = byte;
                end_packet(incoming);
                break;
        }
    }
}

void PacketReader::outside(char byte, std::vector<Incoming>& incoming) {
    if (byte == '+') incoming.emplace_back(Acknowledged{});
    if (byte == '-') incoming.emplace_back(SendAgain{});
    if (byte == kInterrupt) incoming.emplace_back(InterruptRequest{});
    if (byte != kStart) return;
    state_ = State::kPayload;
    payload_.clear();
    too_long_ = false;
}

void PacketReader::end_packet(std::vector<Incoming>& incoming) {
    state_ = State::kOutside;
    const int high = digit(first_digit_);
    const int low = digit(second_digit_);
    const bool whole = high >= 0 && low >= 0 && high * 16 + low == checksum(payload_);
    if (too_long_ || (!whole && !trusting_))
        incoming.emplace_back(GarbledPacket{});
    else
        incoming.emplace_back(Packet{std::move(payload_)});
    payload_ = {};
}

std::string frame(std::string_view payload) {
    std::string packet;
    packet.reserve(payload.size() + 4);
    packet.push_back(kStart);
    packet.append(payload);
    packet.push_back(kEnd);
    return packet.append(hex_byte(checksum(payload)));
}

std::string escape(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    for (const char byte : bytes) {
        const bool special = byte == kStart || byte == kEnd || byte == kEscape || byte == kRunLength;
        if (special) text.push_back(kEscape);
        text.push_back(special ? static_cast<char>(byte ^ kEscapeBit) : byte);
    }
    return text;
}

std::optional<std::string> unescape(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != kEscape) {
            bytes.push_back(text[at]);
            continue;
        }
        if (++at == text.size()) return std::nullopt;
        bytes.push_back(static_cast<char>(text[at] ^ kEscapeBit));
    }
    return bytes;
}

std::string to_hex(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char byte : bytes)
        text.append(hex_byte(static_cast<std::uint8_t>(byte)));
    return text;
}

std::optional<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t at = 0; at < text.size(); at += 2) {
        const int high = digit(text[at]);
        const int low = digit(text[at + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes.push_back(static_cast<char>(high * 16 + low));
    }
    return bytes;
}

std::string hex_number(std::uint64_t value) {
    std::string text;
    do {
        text.push_back(kDigits[value & 0xf]);
        value >>= 4;
    } while (value != 0);
    std::ranges::reverse(text);
    return text;
}

std::string hex_byte(std::uint8_t value) {
    return {kDigits[value >> 4], kDigits[value & 0xf]};
}

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

bool Reader::skip(std::string_view text) {
    if (!left_.starts_with(text)) return false;
    left_.remove_prefix(text.size());
    return true;
}

std::optional<std::uint64_t> Reader::number() {
    constexpr std::size_t kMostDigits = 16;
    std::uint64_t value = 0;
    std::size_t length = 0;
    while (length < left_.size() && digit(left_[length]) >= 0) {
        if (length == kMostDigits) return std::nullopt;
        value = value << 4 | static_cast<unsigned>(digit(left_[length]));
        ++length;
    }
    if (length == 0) return std::nullopt;
    left_.remove_prefix(length);
    return value;
}

std::string_view Reader::until(char separator) {
    const std::size_t end = left_.find(separator);
    const std::string_view found = left_.substr(0, end);
    left_.remove_prefix(end == std::string_view::npos ? left_.size() : end + 1);
    return found;
}

}  // namespace halfcell::gdb
