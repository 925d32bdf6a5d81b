// Is this a sanitizer's build? AddressSanitizer and ThreadSanitizer replace mlock(2) by nothing.
#pragma once

namespace penstock::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool mlock_is_real = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
inline constexpr bool mlock_is_real = false;
#else
inline constexpr bool mlock_is_real = true;
#endif
#else
inline constexpr bool mlock_is_real = true;
#endif

}  // namespace penstock::test
