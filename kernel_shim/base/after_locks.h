#pragma once

// Work that waits until the calling thread holds no lock: waking another thread above all. Where both share a
// CPU the woken one runs at once, and would only go to sleep again on the very lock its waker holds.

namespace halfcell {

// Runs `action(argument)` when the calling thread releases the last LevelMutex it holds (also to wait on a
// condition variable), at once where it holds none. The action must not wait for anybody, and must bear that
// what `argument` points to is gone by then.
void after_locks(void (*action)(void*), void* argument);

}  // namespace halfcell
