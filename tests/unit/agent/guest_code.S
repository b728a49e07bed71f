// Guest code for the engine's tests: position independent, without a stack. Each entry does one thing and ends in
// `guest_end`, which makes the call 0x7e000000 for ever.

        .intel_syntax noprefix
        .section .rodata.guest_code, "a", @progbits
        .macro entry name
        .globl \name
\name:
        .endm
        .balign 4096
entry guest_begin

// rdi: table of 64-byte rows after a 64-byte header whose first word counts them: rax, six arguments, result.
entry guest_calls
        mov     rbx, rdi
        mov     r12, [rbx]
        lea     rbx, [rbx + 64]
1:      test    r12, r12
        jz      guest_end
        mov     rax, [rbx]
        mov     rdi, [rbx + 8]
        mov     rsi, [rbx + 16]
        mov     rdx, [rbx + 24]
        mov     r10, [rbx + 32]
        mov     r8, [rbx + 40]
        mov     r9, [rbx + 48]
        syscall
        mov     [rbx + 56], rax
        add     rbx, 64
        dec     r12
        jmp     1b

entry guest_end
        mov     eax, 0x7e000000
        syscall
entry guest_end_after
        jmp     guest_end

// One call, after which rcx and r11 (what `syscall` does to them) go into rdi and rsi.
entry guest_clobbered
        mov     eax, 0x21000004
        syscall
entry guest_clobbered_after
        mov     rdi, rcx
        mov     rsi, r11
        mov     rdx, rax
        jmp     guest_end

entry guest_call_then_spin
        mov     eax, 0x21000004
        syscall
entry guest_spin
        inc     r12
        jmp     guest_spin

// The call in eax for ever, rbx counts down to guest_end.
entry guest_bench
        mov     rax, r13
        syscall
        dec     rbx
        jnz     guest_bench
        jmp     guest_end

entry guest_step
        inc     r12
        inc     r12
        inc     r12
        inc     r12
        inc     r12
        jmp     guest_end

entry guest_breakpoint
        nop
entry guest_breakpoint_at
        int3
        mov     r12d, 77
        mov     rdi, r12
        jmp     guest_end

// Reports fs:[0] and gs:[0].
entry guest_segments
        mov     rdi, fs:[0]
        mov     rsi, gs:[0]
        jmp     guest_end

entry guest_store
        mov     [rdi], rsi
entry guest_store_after
        jmp     guest_end

entry guest_load
        mov     rsi, [rdi]
        jmp     guest_end

entry guest_divide
        xor     edx, edx
        xor     ecx, ecx
        mov     eax, 1
        div     ecx

entry guest_undefined
        ud2

// Jumps to rbp with the other registers as they are.
entry guest_jump
        jmp     rbp

entry guest_int80
        mov     eax, 20
entry guest_int80_at
        int     0x80
        mov     rdi, rax
        jmp     guest_end

// Needs a stack: calls time() in the vsyscall page.
entry guest_vsyscall
        mov     rax, 0xffffffffff600400
        xor     edi, edi
        call    rax
entry guest_vsyscall_after
        mov     rdi, rax
        jmp     guest_end

// Reports xmm0's low word and the x87 control word; needs rsp to point to 8 writable bytes.
entry guest_float
        movq    rdi, xmm0
        fnstcw  [rsp]
        movzx   esi, word ptr [rsp]
        stmxcsr [rsp]
        mov     edx, [rsp]
        jmp     guest_end

// Reports the low words of the upper halves of ymm0 and ymm15, and xmm15's.
entry guest_vectors
        vextractf128 xmm1, ymm0, 1
        vmovq   rdi, xmm1
        vextractf128 xmm1, ymm15, 1
        vmovq   rsi, xmm1
        vmovq   rdx, xmm15
        jmp     guest_end

entry guest_code_end
        .balign 4096, 0xcc

        .section .note.GNU-stack, "", @progbits
