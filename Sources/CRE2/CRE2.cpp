// RE2 behind a C interface, with a cache of compiled patterns for each thread.
#include "CRE2.h"

#include <re2/re2.h>

#include <cstring>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

struct dp_regex {
    RE2 re;
    dp_regex(const re2::StringPiece &pattern, const RE2::Options &options) : re(pattern, options) {}
};

namespace {

constexpr int kGroupsMax = 100;

// The patterns of one thread, the one used last in front.
struct Cache {
    struct Entry {
        std::string key;
        std::unique_ptr<dp_regex> regex;
    };
    std::list<Entry> entries;
    std::unordered_map<std::string, std::list<Entry>::iterator> places;
};

thread_local Cache cache;

}  // namespace

const dp_regex *dp_regex_get(const char *pattern, size_t length, int options, int *error, char *message, size_t message_size) {
    std::string key(1, static_cast<char>(options));
    key.append(pattern, length);
    auto found = cache.places.find(key);
    if (found != cache.places.end()) {
        cache.entries.splice(cache.entries.begin(), cache.entries, found->second);
        return found->second->regex.get();
    }
    RE2::Options settings;
    settings.set_log_errors(false);
    settings.set_dot_nl(true);
    settings.set_max_mem(DP_REGEX_MEMORY_MAX);
    settings.set_case_sensitive((options & DP_REGEX_FOLD_CASE) == 0);
    settings.set_longest_match((options & DP_REGEX_LONGEST) != 0);
    auto regex = std::make_unique<dp_regex>(re2::StringPiece(pattern, length), settings);
    if (!regex->re.ok()) {
        *error = static_cast<int>(regex->re.error_code());
        std::strncpy(message, regex->re.error().c_str(), message_size);
        message[message_size - 1] = 0;
        return nullptr;
    }
    if (cache.entries.size() >= DP_REGEX_CACHE_MAX) {
        cache.places.erase(cache.entries.back().key);
        cache.entries.pop_back();
    }
    cache.entries.push_front({key, std::move(regex)});
    cache.places.emplace(std::move(key), cache.entries.begin());
    return cache.entries.front().regex.get();
}

int dp_regex_groups(const dp_regex *regex) { return regex->re.NumberOfCapturingGroups(); }

int dp_regex_match(const dp_regex *regex, const char *text, size_t length, size_t from, int32_t *spans, int count) {
    re2::StringPiece groups[kGroupsMax + 1];
    if (count > kGroupsMax + 1) count = kGroupsMax + 1;
    // An empty text has no address of its own.
    const char *base = text ? text : "";
    if (!regex->re.Match(re2::StringPiece(base, length), from, length, RE2::UNANCHORED, groups, count)) return 0;
    for (int i = 0; i < count; i++) {
        bool took_part = groups[i].data() != nullptr;
        spans[2 * i] = took_part ? static_cast<int32_t>(groups[i].data() - base) : -1;
        spans[2 * i + 1] = took_part ? spans[2 * i] + static_cast<int32_t>(groups[i].size()) : -1;
    }
    return 1;
}
