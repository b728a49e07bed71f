#pragma once

// A vector whose first N elements need no heap: for lists that nearly always have one element.

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace halfcell::mem {

// T must be default-constructible and movable. Elements are contiguous; adding one may move them all.
template <typename T, std::size_t N>
class InlineVector {
  public:
    [[nodiscard]] std::size_t size() const { return count_; }
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] T* data() { return heap_.empty() ? inline_.data() : heap_.data(); }
    [[nodiscard]] const T* data() const { return heap_.empty() ? inline_.data() : heap_.data(); }
    T& operator[](std::size_t index) { return data()[index]; }
    const T& operator[](std::size_t index) const { return data()[index]; }
    T& back() { return data()[count_ - 1]; }
    T* begin() { return data(); }
    T* end() { return data() + count_; }
    const T* begin() const { return data(); }
    const T* end() const { return data() + count_; }

    void push_back(T value) {
        if (count_ < N) {
            inline_[count_] = std::move(value);
        } else {
            if (heap_.empty()) {
                heap_.reserve(2 * N);
                for (T& element : inline_)
                    heap_.push_back(std::exchange(element, T{}));
            }
            heap_.push_back(std::move(value));
        }
        ++count_;
    }

    void clear() {
        for (T& element : inline_)
            element = T{};
        heap_.clear();
        count_ = 0;
    }

  private:
    std::array<T, N> inline_{};
    std::vector<T> heap_;  // all elements once there are more than N
    std::size_t count_ = 0;
};

}  // namespace halfcell::mem
