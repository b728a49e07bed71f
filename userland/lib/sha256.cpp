#include "userland/lib/sha256.h"

#include <cpuid.h>
#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace halfcell::userland {
namespace {

// First 32 bits of the fractional parts of the cube roots of the first 64 primes.
alignas(16) constexpr std::array<std::uint32_t, 64> kRound = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t load_big_endian(const std::byte* from) {
    std::uint32_t value;
    std::memcpy(&value, from, sizeof(value));
    return __builtin_bswap32(value);
}

void compress_portable(std::array<std::uint32_t, 8>& state, const std::byte* block) {
    std::array<std::uint32_t, 64> w;
    for (std::size_t i = 0; i < 16; ++i)
        w[i] = load_big_endian(block + 4 * i);
    for (std::size_t i = 16; i < 64; ++i) {
        const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
        const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (std::size_t i = 0; i < 64; ++i) {
        const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
        const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
        const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
        const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    const std::array<std::uint32_t, 8> add = {a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i)
        state[i] += add[i];
}

// The processor's own SHA instructions: the state travels as ABEF and CDGH, four rounds at a time.
__attribute__((target("sha,sse4.1,ssse3"))) void compress_with_sha(std::array<std::uint32_t, 8>& state,
                                                                   const std::byte* block,
                                                                   std::size_t count) {
    const auto* words = reinterpret_cast<const __m128i*>(state.data());
    const __m128i dcba = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xB1);
    const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1B);
    __m128i abef = _mm_alignr_epi8(dcba, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, dcba, 0xF0);
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    for (; count > 0; --count, block += 64) {
        const __m128i abef_before = abef;
        const __m128i cdgh_before = cdgh;
        __m128i w[4];
        for (std::size_t group = 0; group < 16; ++group) {
            const std::size_t at = group % 4;
            if (group < 4) {
                const auto* source = reinterpret_cast<const __m128i*>(block) + group;
                w[at] = _mm_shuffle_epi8(_mm_loadu_si128(source), swap);
            } else {
                __m128i next = _mm_sha256msg1_epu32(w[at], w[(at + 1) % 4]);
                next = _mm_add_epi32(next, _mm_alignr_epi8(w[(at + 3) % 4], w[(at + 2) % 4], 4));
                w[at] = _mm_sha256msg2_epu32(next, w[(at + 3) % 4]);
            }
            const auto* constants = reinterpret_cast<const __m128i*>(kRound.data()) + group;
            __m128i sum = _mm_add_epi32(w[at], _mm_load_si128(constants));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            sum = _mm_shuffle_epi32(sum, 0x0E);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, sum);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    auto* result = reinterpret_cast<__m128i*>(state.data());
    _mm_storeu_si128(result, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128(result + 1, _mm_alignr_epi8(dchg, feba, 8));
}

bool has_sha_instructions() {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_1) == 0 || (c & bit_SSSE3) == 0) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

}  // namespace

void Sha256::compress(const std::byte* blocks, std::size_t count) {
    static const bool kFast = has_sha_instructions();
    if (kFast) {
        compress_with_sha(state_, blocks, count);
        return;
    }
    for (std::size_t i = 0; i < count; ++i)
        compress_portable(state_, blocks + 64 * i);
}

void Sha256::update(std::span<const std::byte> data) {
    total_ += data.size();
    if (pending_size_ > 0) {
        const std::size_t taken = std::min(data.size(), pending_.size() - pending_size_);
        std::memcpy(pending_.data() + pending_size_, data.data(), taken);
        pending_size_ += taken;
        data = data.subspan(taken);
        if (pending_size_ < pending_.size()) return;
        compress(pending_.data(), 1);
        pending_size_ = 0;
    }
    compress(data.data(), data.size() / 64);
    data = data.subspan(data.size() / 64 * 64);
    if (!data.empty()) std::memcpy(pending_.data(), data.data(), data.size());
    pending_size_ = data.size();
}

Sha256::Digest Sha256::finish() {
    const std::uint64_t bits = total_ * 8;
    std::array<std::byte, 128> tail{};
    tail[0] = std::byte{0x80};
    const std::size_t padded = pending_size_ < 56 ? 64 : 128;
    const std::size_t length = padded - pending_size_;
    for (std::size_t i = 0; i < 8; ++i)
        tail[length - 1 - i] = static_cast<std::byte>(bits >> (8 * i));
    update(std::span(tail).first(length));
    Digest digest;
    for (std::size_t i = 0; i < 32; ++i) {
        digest[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
    }
    return digest;
}

std::string hex_digest(const Sha256::Digest& digest) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : digest) {
        text.push_back(kDigits[byte >> 4]);
        text.push_back(kDigits[byte & 15]);
    }
    return text;
}

}  // namespace halfcell::userland
