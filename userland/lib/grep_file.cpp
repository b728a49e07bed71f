#include "userland/lib/grep_file.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "userland/lib/tool.h"
#include "userland/rt/input.h"
#include "userland/rt/output.h"

namespace halfcell::userland {
namespace {

constexpr std::size_t kBlock = 256 * 1024;

// Holds a window of the file that consists of whole lines, and keeps the lines before it that context may
// show.
class FileSearch {
  public:
    FileSearch(Fd file, std::string_view name, Regex& regex, const GrepOptions& options)
        : file_(file),
          name_(name),
          regex_(regex),
          options_(options),
          stop_early_(options.quiet || options.names_with || options.names_without) {}

    Result<bool> run() {
        while (!finished_ && RT_TRY(fill()))
            search_window();
        return report();
    }

  private:
    // Reads until the buffer holds at least one whole line behind what is already searched; false at the end.
    Result<bool> fill() {
        const std::size_t keep_from = context_begin();
        std::memmove(buffer().data(), buffer().data() + keep_from, used_ - keep_from);
        base_ += keep_from;
        used_ -= keep_from;
        begin_ = end_ - keep_from;
        end_ = begin_;
        for (;;) {
            if (buffer().size() - used_ < kBlock) buffer().resize(buffer().size() * 2 + 2 * kBlock);
            const std::span<char> room = std::span(buffer()).subspan(used_, kBlock);
            const std::size_t count = RT_TRY(read_some(file_, std::as_writable_bytes(room)));
            const std::string_view fresh(room.data(), count);
            if (first_read_)
                binary_ = options_.binary != GrepOptions::Binary::kText && fresh.find('\0') != fresh.npos;
            first_read_ = false;
            if (binary_ && options_.binary == GrepOptions::Binary::kSkip) return false;
            // In a binary file a NUL ends a line as a newline does.
            if (binary_)
                std::replace(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(count), '\0', '\n');
            used_ += count;
            if (count == 0) {
                end_ = used_;
                return end_ > begin_;
            }
            const std::size_t newline = fresh.rfind('\n');
            if (newline == std::string_view::npos) continue;
            end_ = used_ - count + newline + 1;
            return true;
        }
    }

    // The files of a run share one buffer: a fresh one costs more than a small file.
    static std::vector<char>& buffer() {
        static std::vector<char> shared;
        return shared;
    }

    // Where the lines begin that must stay: those not yet searched, and the last few before.
    std::size_t context_begin() const {
        std::size_t at = end_;
        for (std::uint64_t i = 0; i < options_.before && at > printed_to_local(); ++i)
            at = line_begin(at - 1);
        return at;
    }
    std::size_t printed_to_local() const { return printed_to_ > base_ ? printed_to_ - base_ : 0; }

    // Where the line begins that holds or ends at `at`.
    std::size_t line_begin(std::size_t at) const {
        const std::string_view text(buffer().data(), at);
        const std::size_t newline = text.rfind('\n');
        return newline == std::string_view::npos ? 0 : newline + 1;
    }

    void search_window() {
        const std::string_view window(buffer().data(), end_);
        std::size_t at = begin_;
        while (at < end_ && !finished_) {
            if (!options_.literal.empty() && pending_after_ == 0) {
                const std::size_t hit = find_literal(window, at);
                if (hit == std::string_view::npos) {
                    count_lines(window.substr(at));
                    return;
                }
                const std::size_t begin = line_begin(hit) > at ? line_begin(hit) : at;
                count_lines(window.substr(at, begin - at));
                at = begin;
            }
            const void* newline = std::memchr(window.data() + at, '\n', end_ - at);
            const std::size_t line_end =
                newline != nullptr
                    ? static_cast<std::size_t>(static_cast<const char*>(newline) - window.data())
                    : end_;
            ++number_;
            consider(window, at, line_end);
            at = line_end + 1;
        }
    }

    std::size_t find_literal(std::string_view window, std::size_t at) const {
        return window.find(options_.literal, at);
    }

    void count_lines(std::string_view text) {
        if (!options_.show_number) return;
        for (const char* at = text.data(); at < text.data() + text.size(); ++number_) {
            const void* newline =
                std::memchr(at, '\n', static_cast<std::size_t>(text.data() + text.size() - at));
            if (newline == nullptr) break;
            at = static_cast<const char*>(newline) + 1;
        }
    }

    void consider(std::string_view window, std::size_t begin, std::size_t end) {
        const std::string_view line = window.substr(begin, end - begin);
        if (regex_.matches(line) == options_.invert) {
            if (pending_after_ > 0) {
                --pending_after_;
                print_line(line, begin, number_, '-');
                if (pending_after_ == 0 && selected_ >= options_.most) finished_ = true;
            }
            return;
        }
        if (selected_ >= options_.most) {
            finished_ = true;
            return;
        }
        ++selected_;
        if (stop_early_) {
            finished_ = true;
            return;
        }
        if (selected_ >= options_.most && options_.after == 0) finished_ = true;
        if (options_.count) return;
        if (binary_) {
            finished_ = true;
            return;
        }
        print_before(begin);
        if (options_.only_matching) {
            print_matches(line, begin);
        } else {
            print_line(line, begin, number_, ':');
        }
        pending_after_ = options_.after;
    }

    // The lines before a selected one, and "--" where something lies between it and what was printed last.
    void print_before(std::size_t begin) {
        const bool context = options_.before > 0 || options_.after > 0;
        std::vector<std::size_t> begins;
        std::size_t at = begin;
        while (begins.size() < options_.before && at > printed_to_local()) {
            at = line_begin(at - 1);
            begins.push_back(at);
        }
        if (context && anything_printed_ && base_ + at > printed_to_) out().write("--\n");
        for (std::size_t i = begins.size(); i-- > 0;) {
            const std::size_t end = i == 0 ? begin - 1 : begins[i - 1] - 1;
            const std::string_view line(buffer().data() + begins[i], end - begins[i]);
            print_line(line, begins[i], number_ - i - 1, '-');
        }
    }

    void print_prefix(std::uint64_t number, std::uint64_t offset, char separator) const {
        if (options_.show_name.value_or(false)) out().print(name_, separator);
        if (options_.show_number) out().print(number, separator);
        if (options_.show_offset) out().print(offset, separator);
    }

    void print_line(std::string_view line, std::size_t begin, std::uint64_t number, char separator) {
        if (!(options_.only_matching && separator == '-')) {
            print_prefix(number, base_ + begin, separator);
            out().print(line, '\n');
        }
        printed_to_ = base_ + begin + line.size() + 1;
        anything_printed_ = true;
    }

    void print_matches(std::string_view line, std::size_t begin) {
        printed_to_ = base_ + begin + line.size() + 1;
        anything_printed_ = true;
        if (options_.invert) return;
        for (std::size_t from = 0; from <= line.size();) {
            const std::optional<RegexMatch> match = regex_.find(line, from);
            if (!match) return;
            if (match->end > match->begin) {
                print_prefix(number_, base_ + begin + match->begin, ':');
                out().print(line.substr(match->begin, match->end - match->begin), '\n');
            }
            from = match->end > match->begin ? match->end : match->begin + 1;
        }
    }

    bool report() const {
        const bool matched = selected_ > 0;
        if (options_.quiet) return matched;
        if (options_.names_with || options_.names_without) {
            const bool shown = matched == options_.names_with;
            if (shown) out().print(name_, '\n');
            return options_.names_with ? matched : shown;
        }
        if (options_.count) {
            if (options_.show_name.value_or(false)) out().print(name_, ':');
            out().print(selected_, '\n');
        } else if (binary_ && matched) {
            complain(name_, ": binary file matches");
        }
        return matched;
    }

    Fd file_;
    std::string_view name_;
    Regex& regex_;
    const GrepOptions& options_;
    bool stop_early_;

    // The buffer holds [context][window][rest): offsets into it. base_ is its offset in the file.
    std::uint64_t base_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t used_ = 0;
    bool first_read_ = true;
    bool binary_ = false;

    std::uint64_t number_ = 0;
    std::uint64_t selected_ = 0;
    std::uint64_t pending_after_ = 0;
    std::uint64_t printed_to_ = 0;  // Offset in the file behind the last line that was printed.
    bool anything_printed_ = false;
    bool finished_ = false;
};

}  // namespace

Result<bool> grep_file(Fd file, std::string_view name, Regex& regex, const GrepOptions& options) {
    return FileSearch(file, name, regex, options).run();
}

}  // namespace halfcell::userland
