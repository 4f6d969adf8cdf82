//===- HostThreadsTest.cpp - threads that share the points of a grid ------===//

#include "runtime/HostThreads.h"
#include "passes/host/HostProgram.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

using namespace tessera;

/// Counts the calls for each of `items` indices.
static std::vector<int> countCalls(HostThreads &threads, int64_t items) {
  std::vector<std::atomic<int>> calls(items);
  threads.forEach(items, 64, [&](int64_t i, void *) { ++calls[i]; });
  return {calls.begin(), calls.end()};
}

TEST(HostThreads, CallsEveryIndexOnce) {
  for (unsigned count : {1, 2, 3, 8}) {
    HostThreads threads(count);
    for (int64_t items : {0, 1, 2, 7, 1000})
      EXPECT_EQ(countCalls(threads, items), std::vector<int>(items, 1))
          << count << " threads, " << items << " items";
  }
}

TEST(HostThreads, ReturnsWhenAllIsDone) {
  HostThreads threads(4);
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> done = 0;
    threads.forEach(4, 0, [&](int64_t i, void *) {
      std::this_thread::sleep_for(std::chrono::microseconds(50 * i));
      ++done;
    });
    ASSERT_EQ(done, 4);
  }
}

TEST(HostThreads, OneThreadIsTheCaller) {
  HostThreads threads(1);
  threads.forEach(10, 0, [caller = std::this_thread::get_id()](int64_t, void *) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
  });
}

TEST(HostThreads, ServesSeveralCallersAtOnce) {
  HostThreads threads(3);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 100; ++round)
        EXPECT_EQ(countCalls(threads, caller * 10 + round),
                  std::vector<int>(caller * 10 + round, 1));
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST(HostThreads, ScratchIsAlignedAndAsLargeAsAsked) {
  HostThreads threads(3);
  // Grows, and is kept when less is wanted.
  for (int64_t bytes : {1, 63, 64, 65, 4096, 1 << 20, 100}) {
    threads.forEach(20, bytes, [&](int64_t, void *scratch) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(scratch) % scratchAlignment, 0u);
      std::memset(scratch, 0xff, bytes); // a sanitizer's to judge
    });
  }
}

TEST(HostThreads, ScratchBelongsToOneThread) {
  HostThreads threads(4);
  std::atomic<int> mixed = 0;
  threads.forEach(200, sizeof(int64_t), [&](int64_t i, void *scratch) {
    auto *mine = static_cast<volatile int64_t *>(scratch);
    *mine = i;
    std::this_thread::yield();
    mixed += *mine != i;
  });
  EXPECT_EQ(mixed, 0);
}
