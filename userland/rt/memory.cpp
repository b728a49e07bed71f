// The memory functions a compiler may call on its own. Large blocks use the string instructions, which every
// x86-64 of the last decade runs at the speed of the cache; small ones avoid their start-up cost.

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>

namespace {

constexpr std::size_t kStringThreshold = 512;

__m128i load(const unsigned char* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
void store(unsigned char* to, __m128i value) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value);
}

// A word at any address, exempt from the aliasing rules as memory functions must be.
template <typename Word>
struct __attribute__((packed, may_alias)) Unaligned {
    Word value;
};

// Copies sizeof(Word)..2*sizeof(Word) bytes with two overlapping words. Both loads come first, so the ranges
// may overlap.
template <typename Word>
void copy_ends(unsigned char* to, const unsigned char* from, std::size_t size) {
    const Word first = reinterpret_cast<const Unaligned<Word>*>(from)->value;
    const Word last = reinterpret_cast<const Unaligned<Word>*>(from + size - sizeof(Word))->value;
    reinterpret_cast<Unaligned<Word>*>(to)->value = first;
    reinterpret_cast<Unaligned<Word>*>(to + size - sizeof(Word))->value = last;
}

// Up to 32 bytes, overlap allowed.
void copy_small(unsigned char* to, const unsigned char* from, std::size_t size) {
    if (size >= 16) {
        const __m128i first = load(from);
        const __m128i last = load(from + size - 16);
        store(to, first);
        store(to + size - 16, last);
    } else if (size >= 8) {
        copy_ends<std::uint64_t>(to, from, size);
    } else if (size >= 4) {
        copy_ends<std::uint32_t>(to, from, size);
    } else if (size >= 2) {
        copy_ends<std::uint16_t>(to, from, size);
    } else if (size == 1) {
        *to = *from;
    }
}

// More than 32 bytes; correct where `to` is below `from` or they do not overlap.
void copy_forward(unsigned char* to, const unsigned char* from, std::size_t size) {
    if (size >= kStringThreshold) {
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
        return;
    }
    const __m128i last = load(from + size - 16);
    unsigned char* const end = to + size;
    for (; size > 16; size -= 16, to += 16, from += 16)
        store(to, load(from));
    store(end - 16, last);
}

void copy_backward(unsigned char* to, const unsigned char* from, std::size_t size) {
    const __m128i first = load(from);
    for (; size > 16; size -= 16)
        store(to + size - 16, load(from + size - 16));
    store(to, first);
}

}  // namespace

extern "C" {

void* memcpy(void* to, const void* from, std::size_t size) {
    auto* target = static_cast<unsigned char*>(to);
    const auto* source = static_cast<const unsigned char*>(from);
    if (size <= 32) {
        copy_small(target, source, size);
    } else {
        copy_forward(target, source, size);
    }
    return to;
}

void* memmove(void* to, const void* from, std::size_t size) {
    auto* target = static_cast<unsigned char*>(to);
    const auto* source = static_cast<const unsigned char*>(from);
    if (size <= 32) {
        copy_small(target, source, size);
    } else if (reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from) >= size) {
        copy_forward(target, source, size);
    } else {
        copy_backward(target, source, size);
    }
    return to;
}

void* memset(void* to, int byte, std::size_t size) {
    auto* target = static_cast<unsigned char*>(to);
    if (size < 16) {
        for (std::size_t i = 0; i < size; ++i) {
            target[i] = static_cast<unsigned char>(byte);
            __asm__ volatile("" ::: "memory");
        }
    } else if (size >= kStringThreshold) {
        __asm__ volatile("rep stosb" : "+D"(target), "+c"(size) : "a"(byte) : "memory");
    } else {
        const __m128i pattern = _mm_set1_epi8(static_cast<char>(byte));
        for (std::size_t at = 0; at + 16 <= size; at += 16)
            store(target + at, pattern);
        store(target + size - 16, pattern);
    }
    return to;
}

int memcmp(const void* left, const void* right, std::size_t size) {
    const auto* a = static_cast<const unsigned char*>(left);
    const auto* b = static_cast<const unsigned char*>(right);
    for (; size >= 16; size -= 16, a += 16, b += 16) {
        const int equal = _mm_movemask_epi8(_mm_cmpeq_epi8(load(a), load(b)));
        if (equal != 0xFFFF) {
            const int at = __builtin_ctz(~static_cast<unsigned>(equal));
            return a[at] - b[at];
        }
    }
    for (; size > 0; --size, ++a, ++b) {
        if (*a != *b) return *a - *b;
    }
    return 0;
}

int bcmp(const void* left, const void* right, std::size_t size) {
    return memcmp(left, right, size);
}

void* memchr(const void* block, int byte, std::size_t size) {
    const auto* at = static_cast<const unsigned char*>(block);
    const __m128i pattern = _mm_set1_epi8(static_cast<char>(byte));
    for (; size >= 16; size -= 16, at += 16) {
        const int found = _mm_movemask_epi8(_mm_cmpeq_epi8(load(at), pattern));
        if (found != 0) return const_cast<unsigned char*>(at + __builtin_ctz(static_cast<unsigned>(found)));
    }
    for (; size > 0; --size, ++at) {
        if (*at == static_cast<unsigned char>(byte)) return const_cast<unsigned char*>(at);
    }
    return nullptr;
}

std::size_t strlen(const char* text) {
    const char* end = text;
    while (*end != '\0')
        ++end;
    return static_cast<std::size_t>(end - text);
}

}  // extern "C"
