#include "kernel_shim/conform/tap_reader.h"

#include <utility>

namespace halfcell::conform {

namespace {

constexpr std::string_view kSkip = " # SKIP";

std::string unquoted(std::string_view text) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
    text = text.substr(1, text.size() - 2);
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        plain += text[i];
    }
    return plain;
}

std::optional<TapTest> test_line(std::string_view text) {
    TapTest test;
    if (text.starts_with("not ok ")) {
        test.result = Verdict::kFail;
        text.remove_prefix(7);
    } else if (text.starts_with("ok ")) {
        text.remove_prefix(3);
    } else {
        return std::nullopt;
    }
    constexpr std::string_view kDash = " - ";
    const std::size_t dash = text.find(kDash);
    if (dash == std::string_view::npos) return std::nullopt;
    text.remove_prefix(dash + kDash.size());
    if (const std::size_t skip = text.find(kSkip); skip != std::string_view::npos) {
        test.result = Verdict::kSkip;
        test.detail = text.substr(std::min(skip + kSkip.size() + 1, text.size()));
        text = text.substr(0, skip);
    }
    test.name = text;
    return test;
}

}  // namespace

std::optional<TapTest> TapReader::line(std::string_view text) {
    if (text == "  ...") return std::exchange(open_, std::nullopt);
    if (open_ && text.starts_with("  ")) {
        key(text.substr(2));
        return std::nullopt;
    }
    if (auto next = test_line(text)) open_ = std::move(next);
    return std::nullopt;
}

void TapReader::key(std::string_view text) {
    const std::size_t colon = text.find(": ");
    if (colon == std::string_view::npos) return;
    const std::string_view name = text.substr(0, colon);
    const std::string value = unquoted(text.substr(colon + 2));
    if (name == "deviation") open_->deviation = value;
    if (name == "message") open_->detail = value;
}

}  // namespace halfcell::conform
