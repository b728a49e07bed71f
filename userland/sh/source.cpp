#include "userland/sh/source.h"

namespace halfcell::userland::sh {

bool StringInput::next_line(std::string& text, bool) {
    if (rest_.empty()) return false;
    const std::size_t newline = rest_.find('\n');
    const std::string_view line = rest_.substr(0, newline == std::string_view::npos ? newline : newline + 1);
    text.append(line);
    rest_.remove_prefix(line.size());
    return true;
}

bool Source::available(std::size_t at) {
    while (at >= text_.size()) {
        if (ended_) return false;
        // A terminal can be read again after its end, in the next command.
        if (!input_.next_line(text_, begun_)) {
            ended_ = true;
            return false;
        }
        begun_ = true;
    }
    return true;
}

void Source::skip_joined_lines() {
    while (available(at_) && text_[at_] == '\\' && available(at_ + 1) && text_[at_ + 1] == '\n') {
        at_ += 2;
        ++line_;
    }
}

int Source::peek_raw() {
    return available(at_) ? static_cast<unsigned char>(text_[at_]) : kEnd;
}

int Source::take_raw() {
    const int c = peek_raw();
    if (c == kEnd) return c;
    ++at_;
    if (c == '\n') ++line_;
    return c;
}

int Source::peek() {
    skip_joined_lines();
    return peek_raw();
}

int Source::take() {
    skip_joined_lines();
    return take_raw();
}

bool Source::accept(char wanted) {
    if (peek() != static_cast<unsigned char>(wanted)) return false;
    (void)take_raw();
    return true;
}

int Source::peek_second() {
    const Mark here = mark();
    (void)take();
    const int c = peek();
    reset(here);
    return c;
}

bool Source::take_line(std::string& line) {
    if (!available(at_)) return false;
    const std::size_t newline = text_.find('\n', at_);
    const std::size_t end = newline == std::string::npos ? text_.size() : newline;
    line.assign(text_, at_, end - at_);
    at_ = newline == std::string::npos ? end : end + 1;
    if (newline != std::string::npos) ++line_;
    return true;
}

void Source::begin_command() {
    text_.erase(0, at_);
    at_ = 0;
    begun_ = !text_.empty();
    ended_ = false;
}

void Source::discard_line() {
    const std::size_t newline = text_.find('\n', at_);
    at_ = newline == std::string::npos ? text_.size() : newline + 1;
    ++line_;
}

}  // namespace halfcell::userland::sh
