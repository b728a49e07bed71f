#include "probe_library.h"
static u8 buf[8192] __attribute__((aligned(4096)));
static volatile u64 flag, cnt;
static volatile s64 res[8];
static volatile u32 fw;
static s64 pr,pw;
static void spin(u64 x) {
    while(!flag) cnt++;
    res[0]=cnt;
}
static void spinsc(u64 x) {
    while(!flag) {
        cnt++;
        S(0);
    }
    res[0]=1;
}
static void rdp(u64 fd) {
    res[1]=S(READ,fd,buf,4);
}
static void fwt(u64 x) {
    res[2]=S(FUTEX,&fw,0,0,0,0);
}
static void slp(u64 ms) {
    struct ts t={ms/1000,(ms%1000)*1000000,0},r={9,9,9};
    res[3]=S(NANOSLEEP,&t,&r);
    res[4]=r.s*1000+r.n/1000000;
}
static void slpint(u64 ms) {
    struct ts t={1,0,0},r={9,9,9};
    res[3]=S(NANOSLEEP,&t,&r);
    res[4]=r.s*1000+r.n/1000000;
}
static void nop(u64 x) {
    res[5]=x;
}
static void div0(u64 x) {
    __asm__ volatile("xor %%edx,%%edx; mov $1,%%eax; xor %%ecx,%%ecx; div %%ecx":::"rax","rcx","rdx");
}
static void ud(u64 x) {
    __asm__ volatile("ud2");
}
static void bp(u64 x) {
    __asm__ volatile("int3");
}
static void hlt(u64 x) {
    __asm__ volatile("hlt");
}
static void cli(u64 x) {
    __asm__ volatile("cli");
}
static void tf(u64 x) {
    __asm__ volatile("pushfq; orq $0x100,(%%rsp); popfq; nop; nop":::"memory","cc");
}
static void outx(u64 x) {
    __asm__ volatile("outb %%al,%%dx"::"a"(0),"d"(0x80));
}
static void int80(u64 x) {
    __asm__ volatile("int $0x80");
}
static void into80(u64 x) {
    __asm__ volatile("int $3");
}
static void sse(u64 x) {
    static float f[2]={1,3};
    __asm__ volatile("movss %0,%%xmm0; divss %1,%%xmm0"::"m"(f[0]),"m"(f[1]));
}
static void sysenter_(u64 x) {
    __asm__ volatile("sysenter");
}
static void rdtsc_(u64 x) {
    __asm__ volatile("rdtsc":::"rax","rdx");
}
static void wrfs(u64 x) {
    __asm__ volatile("mov $0x1234,%%eax; wrfsbase %%rax":::"rax");
    res[6]=1;
}
static void loadseg(u64 x) {
    __asm__ volatile("mov $0x10,%%eax; mov %%eax,%%ds":::"rax");
}
static void stk(u64 x) {
    __asm__ volatile("mov $0x800000000000,%rsp; push %rax");
}
static s64 wv(s64 t,const char*n,u64 v) {
    s64 f=dupn(t,n);
    if(f<0) return f;
    s64 r=S(WRITE,f,&v,8);
    S(CLOSE,f);
    return r;
}
static s64 wpriv(s64 t,u64 v) {
    return wv(t,"auth-4611686018427387913-status",v);
}
static u64 st(s64 t) {
    u64 b[4]={99};
    s64 r=status(t,b);
    return r<0?r:b[0];
}
void probe(void) {
    s64 r;
    u64 v;
    static u64 regs[20];
    u64 b[4];
    H("names");
    P(openat(self,"status",0));
    P(dupn(self,"bogus"));
    P(dupn(AUTH,"bogus"));
    memset(buf,'a',65);
    P(S(DUP,self,buf,65));
    P(S(DUP,self,buf,64));
    P(S(DUP,self,"\xff",1));
    P(dupn(self,"auth-x-attrs"));
    P(dupn(self,"auth-0-attrs"));
    P(dupn(self,"auth-1-attrs"));
    P(dupn(self,"auth-99-attrs"));
    P(dupn(self,"auth-4611686018427387913-bogus"));
    P(dupn(self,"auth-4611686018427387913"));
    s64 at=P(dupn(self,"auth-4611686018427387913-attrs"));
    P(dupn(self,"open_via_dup"));
    P(dupn(self,"regs/bogus"));
    P(dupn(AUTH,"addrspace"));
    r=P(S(READ,at,buf,48));
    u32*a=(u32*)buf;
    V("pid",a[0]);
    V("euid",a[1]);
    V("egid",a[2]);
    V("prio",a[3]);
    STRV("name",buf+16,32);
    P(S(READ,at,buf,10));
    P(S(WRITE,at,buf,47));
    P(S(FSTAT,at,buf,104));
    V("mode",*(u16*)(buf+16));
    V("dev",*(u64*)buf);
    P(S(LSEEK,at,0,2));
    P(S(FEVENT,at,3));
    P(S(UNLINKAT,self,"x",1,0));
    P(S(GETDENTS,self,buf,100,19,0));
    P(S(READ,self,buf,8));
    P(S(WRITE,AUTH,buf,8));
    P(S(DUP,at,"x",1));
    H("new context");
    s64 t=P(dupn(AUTH,"new-context"));
    P(st(t));
    s64 ri=dupn(t,"regs/int");
    memset(regs,0xEE,160);
    P(S(READ,ri,regs,160));
    for(int i=0;i<20;i++) if(regs[i]) {
        ps("   reg[");
        pd(i);
        ps("]=");
        px(regs[i]);
        pc('\n');
    }
    P(S(READ,ri,regs,8));
    P(S(WRITE,ri,regs,159));
    regs[17]=~0UL;
    regs[16]=regs[19]=0;
    P(S(WRITE,ri,regs,160));
    P(S(READ,ri,regs,160));
    V("rflags",regs[17]);
    V("cs",regs[16]);
    V("ss",regs[19]);
    regs[17]=0;
    S(WRITE,ri,regs,160);
    S(READ,ri,regs,160);
    V("rflags after 0",regs[17]);
    s64 re=dupn(t,"regs/env");
    u64 e[2];
    P(S(READ,re,e,16));
    V("fs",e[0]);
    V("gs",e[1]);
    e[0]=0x800000000000;
    P(S(WRITE,re,e,16));
    e[0]=0x7fff00000000;
    e[1]=0xffff800000000000;
    P(S(WRITE,re,e,16));
    P(S(READ,re,e,16));
    V("fs",e[0]);
    V("gs",e[1]);
    P(S(WRITE,re,e,8));
    e[0]=0x7fffffffffff;
    e[1]=0;
    P(S(WRITE,re,e,16));
    s64 rf=dupn(t,"regs/float");
    memset(buf,0xEE,512);
    P(S(READ,rf,buf,512));
    V("fcw",*(u16*)buf);
    V("mxcsr",*(u32*)(buf+24));
    V("mask",*(u32*)(buf+28));
    P(S(WRITE,rf,buf,415));
    P(S(WRITE,rf,buf,416));
    s64 as=dupn(t,"addrspace");
    P(as);
    grants("new ctx grants",as);
    s64 ft=dupn(t,"filetable");
    P(S(READ,ft,buf,100));
    P(dupn(ft,"copy"));
    s64 cp=dupn(ft,"copy");
    P(S(READ,cp,buf,100));
    P(S(LSEEK,cp,0,2));
    s64 ff=dupn(self,"filetable");
    s64 fc=dupn(ff,"copy");
    P(S(LSEEK,fc,0,2));
    P(S(LSEEK,ff,0,2));
    P(S(READ,fc,buf,100));
    P(dupn(ff,"x"));
    s64 fb=dupn(self,"filetable-binary");
    P(S(READ,fb,buf,4096));
    P(S(WRITE,fb,buf,8));
    s64 ca=dupn(t,"current-addrspace");
    u64 w[4]={99,1,1,1};
    P(S(WRITE,ca,w,24));
    w[0]=dbg;
    P(S(WRITE,ca,w,24));
    w[0]=t;
    P(S(WRITE,ca,w,24));
    P(S(WRITE,ca,w,16));
    P(S(READ,ca,w,8));
    s64 cf=dupn(t,"current-filetable");
    P(S(WRITE,cf,w,7));
    P(S(WRITE,cf,w,8));
    w[0]=99;
    P(S(WRITE,cf,w,8));
    P(S(READ,cf,w,8));
    P(S(CLOSE,cf));
    P(S(CLOSE,ca));
    s64 af=dupn(t,"sched-affinity");
    memset(buf,0,16);
    P(S(READ,af,buf,16));
    V("a0",*(u64*)buf);
    V("a1",*(u64*)(buf+8));
    P(S(READ,af,buf,15));
    P(wpriv(t,1));
    P(st(t));
    P(wpriv(t,2));
    msleep(20);
    P(st(t));
    b[0]=b[1]=b[2]=b[3]=0;
    P(status(t,b));
    V("kind",b[1]);
    V("code",b[2]);
    V("addr",b[3]);
    P(dupn(t,"addrspace"));
    P(dupn(t,"mmap-min-addr"));
    P(S(READ,ri,regs,160));
    s64 fd_=dupn(t,"filetable");
    P(S(READ,fd_,buf,10));
    P(wv(t,"status",3));
    P(wv(t,"status",~0UL));
    P(wpriv(t,1));
    P(wpriv(t,2));
    P(st(t));
    s64 sx=dupn(t,"start");
    P(S(WRITE,sx,"",0));
    P(S(WRITE,sx,"",1));
    H("start");
    t=dupn(AUTH,"new-context");
    s64 asx=dupn(self,"addrspace"), ftx=dupn(self,"filetable");
    s64 t2=mkctx(asx,ftx,nop,42);
    P(st(t2));
    s64 s=dupn(t2,"start");
    P(S(READ,s,buf,1));
    P(S(WRITE,s,buf,3));
    P(S(WRITE,s,"",0));
    msleep(30);
    P(st(t2));
    V("res5",res[5]);
    P(S(WRITE,s,"",0));
    H("status verbs");
    flag=0;
    t=thread(spin,0);
    msleep(20);
    P(st(t));
    P(wv(t,"status",1));
    P(wv(t,"status",2));
    P(wv(t,"status",9));
    P(wv(t,"status",0));
    P(wv(t,"status",3));
    P(wv(t,"regs/int",3));
    s64 su=dupn(t,"status");
    P(S(READ,su,buf,4));
    P(S(READ,su,buf,0));
    P(S(WRITE,su,buf,0));
    P(wpriv(t,1));
    P(st(t));
    u64 c0=cnt;
    msleep(30);
    V("stopped advances",cnt-c0);
    ri=dupn(t,"regs/int");
    P(S(READ,ri,regs,160));
    V("rip",regs[15]);
    V("cs",regs[16]);
    V("rflags",regs[17]);
    V("ss",regs[19]);
    P(wpriv(t,1));
    P(wpriv(t,2));
    P(st(t));
    msleep(20);
    V("resumed",cnt-c0>0);
    P(S(READ,ri,regs,160));
    flag=1;
    msleep(30);
    P(st(t));
    H("verb on blocked");
    pr=openat(TAG|4,"",O_RDWR);
    pw=dupn(pr,"write");
    res[1]=777;
    t=thread(rdp,pr);
    msleep(20);
    P(st(t));
    P(wpriv(t,1));
    P(st(t));
    S(WRITE,pw,"q",1);
    msleep(20);
    V("res while stopped",res[1]);
    P(wpriv(t,2));
    msleep(20);
    V("read after unstop",res[1]);
    P(st(t));
    res[1]=777;
    t=thread(rdp,pr);
    msleep(20);
    P(wpriv(t,1));
    P(wpriv(t,2));
    msleep(20);
    V("read after stop/unstop w/o data",res[1]);
    res[2]=777;
    t=thread(fwt,0);
    msleep(20);
    P(wpriv(t,1));
    P(wpriv(t,2));
    msleep(20);
    V("futex after stop/unstop",res[2]);
    P(S(FUTEX,&fw,1,9,0,0));
    res[3]=777;
    t=thread(slp,500);
    msleep(50);
    P(wv(t,"status",3));
    msleep(20);
    V("nanosleep int",res[3]);
    V("rem ms",res[4]);
    H("forcekill");
    res[1]=777;
    t=dupn(AUTH,"new-context");
    s64 q=openat(TAG|2,"",O_RDWR|O_NONBLOCK);
    S(CLOSE,t);
    t=mkctx(asx,ftx,rdp,pr);
    struct {
        u64 a,b,c;
    } ev={t,1,5};
    P(S(WRITE,q,&ev,24));
    start(t);
    msleep(20);
    P(S(READ,q,&ev,24));
    P(wv(t,"status",~0UL));
    P(st(t));
    P(S(READ,q,&ev,24));
    msleep(20);
    P(st(t));
    P(S(READ,q,&ev,24));
    V("id",ev.a);
    V("flags",ev.b);
    V("data",ev.c);
    P(S(WRITE,q,&ev,24));
    P(S(READ,q,&ev,24));
    V("killed read res",res[1]);
    P(wv(t,"status",~0UL));
    P(wv(t,"status",3));
    ev.a=t;
    P(S(FEVENT,t,3));
    S(CLOSE,t);
    flag=0;
    t=thread(spin,0);
    msleep(10);
    P(wv(t,"status",~0UL));
    P(st(t));
    msleep(30);
    P(st(t));
    P(wv(self,"open_via_dup",0));
    v=3;
    P(S(WRITE,self,&v,8));
    v=~0UL;
    t=thread(slp,1000);
    msleep(10);
    P(S(WRITE,t,&v,8));
    v=1;
    P(S(WRITE,t,&v,8));
    P(S(WRITE,t,&v,7));
    {
        s64 slf=dupn(AUTH,"cur-context");
        u64 k[2]={~0UL,0x1000};
        P(S(WRITE,slf,k,16));
        u64 k3[3]={~0UL,0x1001,0x1000};
        P(S(WRITE,slf,k3,24));
    }
    H("exceptions");
    crash("div0",div0,0);
    crash("ud2",ud,0);
    crash("int3",bp,0);
    crash("hlt",hlt,0);
    crash("cli",cli,0);
    crash("TF",tf,0);
    crash("outb",outx,0);
    crash("int80",int80,0);
    crash("sse 1/3 with MXCSR=0",sse,0);
    crash("wrfsbase",wrfs,0);
    crash("mov 0x10,ds",loadseg,0);
    crash("rdtsc",rdtsc_,0);
    crash("push at 1<<47",stk,0);
    crash("sysenter",sysenter_,0);
    H("sighandler");
    s64 sh=dupn(self,"sighandler");
    memset(buf,0xEE,32);
    P(S(READ,sh,buf,32));
    V("uh",*(u64*)buf);
    u64 pg=anon(0x3000,PR|PW,0), pgs=anon(0x1000,PR|PW|MSH,0), pgr=anon(0x1000,PR,0);
    u64 d[4]={0x2000,0,pg,pg+0x1000};
    P(S(WRITE,sh,d,31));
    d[0]=UEND;
    P(S(WRITE,sh,d,32));
    d[0]=0;
    P(S(WRITE,sh,d,32));
    d[0]=0x2000;
    d[1]=UEND;
    P(S(WRITE,sh,d,32));
    d[1]=0;
    d[2]=UEND;
    P(S(WRITE,sh,d,32));
    d[2]=pgs;
    P(S(WRITE,sh,d,32));
    d[2]=pgr;
    P(S(WRITE,sh,d,32));
    d[2]=0x777000000;
    P(S(WRITE,sh,d,32));
    d[2]=pg+4;
    P(S(WRITE,sh,d,32));
    d[2]=pg+3808;
    P(S(WRITE,sh,d,32));
    d[2]=pg+3792;
    d[3]=pg+0x1008;
    P(S(WRITE,sh,d,32));
    d[3]=pg+0x1000;
    P(S(WRITE,sh,d,32));
    P(S(READ,sh,d,32));
    V("uh",d[0]);
    V("eh",d[1]);
    V("tc",d[2]);
    V("pc",d[3]);
    u64 m0=fmap(sh,0,4096,PR,0), m1=fmap(sh,4096,4096,PR,0x900000000);
    V("m0",m0);
    V("m1",m1);
    P(fmap(sh,8192,4096,PR,0));
    P(fmap(sh,0,1,MFNR,0x1000));
    *(u64*)(m0+8)=0x77;
    V("aliased",*(u64*)(pg+8));
    s64 as0=dupn(self,"addrspace");
    grants("grants",as0);
    d[2]=0;
    P(S(WRITE,sh,d,32));
    P(S(READ,sh,d,32));
    V("uh",d[0]);
    P(fmap(sh,0,4096,PR,0));
}
